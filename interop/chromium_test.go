package interop

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/sharedtest"
)

// browser is a headless Chromium, driven by its DevTools protocol over a pipe: messages are JSON and end
// with a zero byte.
type browser struct {
	t       *testing.T
	session string

	in      *os.File
	mu      sync.Mutex
	last    int
	answers map[int]chan reply
	events  chan string
	// complaints are what the console said: errors, refusals by the content security policy, exceptions.
	complaints []string
	dead       chan struct{}
}

type reply struct {
	ID     int
	Method string
	Result json.RawMessage
	Params json.RawMessage
	Error  *struct{ Message string }
}

// newBrowser starts Chromium with one empty page.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	sharedtest.Require(t, "chromium", err == nil, "no chromium on the PATH; install it with: apt-get install -y chromium")
	theirs, in, err := os.Pipe()
	require.NoError(t, err)
	out, theirOut, err := os.Pipe()
	require.NoError(t, err)
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-pipe", "--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{theirs, theirOut} // its descriptors 3 and 4
	require.NoError(t, cmd.Start())
	require.NoError(t, theirs.Close())
	require.NoError(t, theirOut.Close())
	b := &browser{t: t, in: in, answers: make(map[int]chan reply), events: make(chan string, 1000), dead: make(chan struct{})}
	go b.listen(out)
	t.Cleanup(func() {
		_ = in.Close() // which ends it
		select {
		case <-b.dead:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
		}
		_ = cmd.Wait() // its code says nothing
		_ = out.Close()
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

// listen hands answers to those who wait for them, and keeps what else happens.
func (b *browser) listen(out *os.File) {
	defer close(b.dead)
	r := bufio.NewReader(out)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m reply
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		if ch := b.answers[m.ID]; ch != nil {
			delete(b.answers, m.ID)
			ch <- m
		}
		switch m.Method {
		case "Log.entryAdded", "Runtime.exceptionThrown", "Page.javascriptDialogOpening", "Runtime.consoleAPICalled":
			b.complaints = append(b.complaints, m.Method+" "+string(m.Params))
		case "Page.loadEventFired":
			select {
			case b.events <- m.Method:
			default:
			}
		}
		b.mu.Unlock()
	}
}

// call runs a method and decodes its result into out, unless that is nil.
func (b *browser) call(method string, params map[string]any, out any) {
	b.t.Helper()
	ch := make(chan reply, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	b.answers[id] = ch
	b.mu.Unlock()
	message := map[string]any{"id": id, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	require.NoError(b.t, err)
	_, err = b.in.Write(append(text, 0))
	require.NoError(b.t, err)
	select {
	case m := <-ch:
		require.Nil(b.t, m.Error, "%s: %+v", method, m.Error)
		if out != nil {
			require.NoError(b.t, json.Unmarshal(m.Result, out))
		}
	case <-b.dead:
		require.FailNow(b.t, "the browser ended", method)
	case <-time.After(60 * time.Second):
		require.FailNow(b.t, "the browser does not answer", method)
	}
}

// loaded waits until the page that act goes to has been loaded.
func (b *browser) loaded(act func()) {
	b.t.Helper()
	for {
		select {
		case <-b.events:
			continue
		default:
		}
		break
	}
	act()
	select {
	case <-b.events:
	case <-b.dead:
		require.FailNow(b.t, "the browser ended")
	case <-time.After(60 * time.Second):
		require.FailNow(b.t, "no page was loaded")
	}
}

func (b *browser) open(url string) {
	b.t.Helper()
	b.loaded(func() { b.call("Page.navigate", map[string]any{"url": url}, nil) })
}

// eval runs an expression in the page, from outside of its security policy.
func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	var out struct {
		Result           struct{ Value T }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &out)
	require.Nil(b.t, out.ExceptionDetails, expression)
	return out.Result.Value
}

// look sets the width of the window and the colours that its user prefers.
func (b *browser) look(width int, scheme string) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// click presses the mouse where the element is, and waits for the page that it leads to.
func (b *browser) click(selector string) {
	b.t.Helper()
	at := eval[[]float64](b, fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		if (!e) throw new Error("no such element");
		e.scrollIntoView({block: "center"});
		const r = e.getBoundingClientRect();
		return [r.x + r.width / 2, r.y + r.height / 2];
	})()`, selector))
	b.loaded(func() {
		for _, kind := range []string{"mousePressed", "mouseReleased"} {
			b.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1}, nil)
		}
	})
}

// enter presses the Enter key on what has the focus, and waits for the page that it leads to.
func (b *browser) enter() {
	b.t.Helper()
	b.loaded(func() {
		for _, kind := range []string{"keyDown", "keyUp"} {
			b.call("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}, nil)
		}
	})
}

// tab presses the Tab key.
func (b *browser) tab() {
	b.t.Helper()
	for _, kind := range []string{"rawKeyDown", "keyUp"} {
		b.call("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}, nil)
	}
}

// photograph keeps a picture of the whole page in the folder that KITH_SCREENSHOTS names, for people.
func (b *browser) photograph(name string) {
	b.t.Helper()
	dir := os.Getenv("KITH_SCREENSHOTS")
	if dir == "" {
		return
	}
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".png"), png, 0o600))
}

// quiet requires that the console said nothing.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(b.t, b.complaints)
}
