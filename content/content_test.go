package content_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/content"
)

func ExampleSanitize() {
	fmt.Println(content.Sanitize(`<p onclick="steal()">Hi <script>steal()</script><a href="javascript:steal()">you</a></p>`))
	// Output: <p>Hi you</p>
}

func ExampleMarkdown() {
	out, _ := content.Markdown([]byte("Hello, *fediverse*."))
	fmt.Print(out)
	// Output: <p>Hello, <em>fediverse</em>.</p>
}

func TestSanitizeKeepsWhatServersSend(t *testing.T) {
	mention := `<p><span class="h-card"><a href="https://a.example/@ana" class="u-url mention">@<span>ana</span></a></span> hello</p>`
	out := string(content.Sanitize(as.UntrustedHTML(mention)))
	require.Contains(t, out, `class="u-url mention"`)
	require.Contains(t, out, `<span class="h-card">`)
	require.Contains(t, out, `rel="nofollow noreferrer noopener"`)
	require.Contains(t, out, `target="_blank"`)
	require.Equal(t, "<p><strong>Big</strong></p>", string(content.Sanitize("<h1 class=x>Big</h1>")))
}

func TestText(t *testing.T) {
	require.Equal(t, "one & two\nthree <b>", content.Text(`<p>one &amp; two<br>three &lt;b&gt;</p><script>x</script>`))
}

func TestMarkdownIsSafe(t *testing.T) {
	out, err := content.Markdown([]byte("<script>x</script>\n\n[a](javascript:x)"))
	require.NoError(t, err)
	require.NotContains(t, string(out), "<script")
	require.NotContains(t, string(out), "javascript:")
}

// hostile builds the corpus of S-106: carriers of script times ways to write them.
func hostile() []string {
	payloads := []string{
		`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `<svg onload=alert(1)>`, `<a href="javascript:alert(1)">x</a>`,
		`<a href="data:text/html,<script>alert(1)</script>">x</a>`, `<iframe src="https://a.example"></iframe>`,
		`<style>*{background:url(https://a.example)}</style>`, `<p style="background:url(javascript:alert(1))">x</p>`,
		`<form action="https://a.example"><input name=p></form>`, `<meta http-equiv=refresh content="0;url=https://a.example">`,
		`<base href="https://a.example">`, `<object data="x"></object>`, `<embed src=x>`, `<link rel=stylesheet href=x>`,
		`<math><mi xlink:href="javascript:alert(1)">x</mi></math>`, `<details open ontoggle=alert(1)>`, `<video><source onerror=alert(1)></video>`,
		`<a href="vbscript:x">x</a>`, `<a href="//a.example">x</a>`, `<a href="/local">x</a>`, `<body onload=alert(1)>`,
		`<template><script>alert(1)</script></template>`, `<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>`,
		`<textarea></textarea><img src=x onerror=alert(1)>`, `<p class="admin-only toast">x</p>`, `<a id=login name=login>x</a>`,
		`<isindex action=javascript:alert(1) type=image>`, `<table background="javascript:alert(1)"><tr><td>x</table>`,
		`<a href="https://a.example" onfocus=alert(1) autofocus>x</a>`, `<svg><animate onbegin=alert(1)>`, `<h1 onmouseover="alert(1)">x</h1>`,
	}
	ways := []func(string) string{
		func(s string) string { return s },
		strings.ToUpper,
		func(s string) string { return strings.ReplaceAll(s, "script", "scr\x00ipt") },
		func(s string) string { return strings.ReplaceAll(s, "javascript:", "java\tscript:") },
		func(s string) string { return strings.ReplaceAll(s, "javascript:", "&#106;avascript&colon;") },
		func(s string) string { return "<p><b>" + s },
		func(s string) string { return strings.ReplaceAll(s, "<", "<<") },
		func(s string) string { return strings.TrimSuffix(s, ">") },
		func(s string) string { return "<!--" + s + "-->" + s },
		func(s string) string { return strings.ReplaceAll(s, " ", "/") },
		func(s string) string { return "</p></div>" + s + "<!--" },
	}
	var all []string
	for _, p := range payloads {
		for _, w := range ways {
			all = append(all, w(p))
		}
	}
	return all
}

// TestS106_Sanitiser: nothing that runs, loads or dresses up as the page comes through, and a second pass
// changes nothing.
func TestS106_Sanitiser(t *testing.T) {
	corpus := hostile()
	require.GreaterOrEqual(t, len(corpus), 300)
	for _, s := range corpus {
		out := string(content.Sanitize(as.UntrustedHTML(s)))
		inTags := strings.ToLower(tagsOf(out))
		for _, bad := range []string{
			"script", "onerror", "onload", "onclick", "ontoggle", "onbegin", "onfocus", "onmouseover", "style", "<img", "<svg", "<iframe",
			"<form", "<input", "<meta", "<base", "<object", "<embed", "<link", "<math", "<video", "<template", "javascript", "vbscript", "data:",
			"admin-only", " id=", " name=", "<h1",
		} {
			require.NotContains(t, inTags, bad, "%q became %q", s, out)
		}
		require.Equal(t, out, string(content.Sanitize(as.UntrustedHTML(out))), "not idempotent: %q", s)
	}
}

// tagsOf returns only what lies between < and >, since text is harmless.
func tagsOf(s string) string {
	var b strings.Builder
	for {
		start := strings.IndexByte(s, '<')
		if start < 0 {
			return b.String()
		}
		end := strings.IndexByte(s[start:], '>')
		if end < 0 {
			return b.String() + s[start:]
		}
		b.WriteString(s[start : start+end+1])
		s = s[start+end+1:]
	}
}

func FuzzSanitize(f *testing.F) {
	for _, s := range hostile()[:40] {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := content.Sanitize(as.UntrustedHTML(s))
		if twice := content.Sanitize(as.UntrustedHTML(once)); once != twice {
			t.Fatalf("%q: %q then %q", s, once, twice)
		}
		content.Text(as.UntrustedHTML(s))
	})
}
