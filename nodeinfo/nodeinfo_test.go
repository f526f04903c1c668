package nodeinfo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/nodeinfo"
	"github.com/gokith/kith/origin"
)

// violations checks a value against a JSON schema, as far as the NodeInfo schemas use the language.
func violations(schema map[string]any, v any, at string) (found []string) {
	bad := func(format string, args ...any) { found = append(found, at+": "+fmt.Sprintf(format, args...)) }
	if enum, ok := schema["enum"].([]any); ok && !slices.ContainsFunc(enum, func(e any) bool { return reflect.DeepEqual(e, v) }) {
		bad("%v is not one of %v", v, enum)
	}
	switch v := v.(type) {
	case map[string]any:
		if schema["type"] != "object" {
			bad("is an object")
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, ok := v[name.(string)]; !ok {
				bad("lacks %v", name)
			}
		}
		properties, _ := schema["properties"].(map[string]any)
		for name, member := range v {
			if sub, ok := properties[name].(map[string]any); ok {
				found = append(found, violations(sub, member, at+"/"+name)...)
			} else if schema["additionalProperties"] == false {
				bad("has an additional property %q", name)
			}
		}
	case []any:
		if schema["type"] != "array" {
			bad("is an array")
		}
		if least, ok := schema["minItems"].(float64); ok && len(v) < int(least) {
			bad("has %d items", len(v))
		}
		for i, item := range v {
			if schema["uniqueItems"] == true && slices.ContainsFunc(v[:i], func(e any) bool { return reflect.DeepEqual(e, item) }) {
				bad("repeats %v", item)
			}
			found = append(found, violations(schema["items"].(map[string]any), item, fmt.Sprintf("%s/%d", at, i))...)
		}
	case string:
		if schema["type"] != "string" && schema["type"] != nil {
			bad("is a string")
		}
		if pattern, ok := schema["pattern"].(string); ok && !regexp.MustCompile(pattern).MatchString(v) {
			bad("%q does not match %s", v, pattern)
		}
		if u, err := url.Parse(v); schema["format"] == "uri" && (err != nil || !u.IsAbs()) {
			bad("%q is no URI", v)
		}
	case float64:
		if schema["type"] != "integer" && schema["type"] != "number" {
			bad("is a number")
		}
		if least, ok := schema["minimum"].(float64); ok && v < least {
			bad("%v is too small", v)
		}
	case bool:
		if schema["type"] != "boolean" {
			bad("is a boolean")
		}
	case nil:
		bad("is null")
	}
	return found
}

func load[T any](t *testing.T, name string) (v T) {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "internal", "testdata", "nodeinfo", name))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(body, &v))
	return v
}

func full() nodeinfo.Info {
	n := int64(3)
	return nodeinfo.Info{
		Software:  nodeinfo.Software{Name: "kith-blog", Version: "1.0.0", Repository: "https://code.example/blog", Homepage: "https://blog.example/"},
		Protocols: []string{"activitypub"}, Services: nodeinfo.Services{Outbound: []string{"rss2.0", "atom1.0"}},
		Usage:    nodeinfo.Usage{TotalUsers: &n, ActiveHalfyear: &n, ActiveMonth: &n, LocalPosts: &n, LocalComments: &n},
		Metadata: map[string]any{"nodeName": "Ana's <blog>"},
	}
}

func handler(info nodeinfo.Info) *nodeinfo.Handler {
	return &nodeinfo.Handler{
		Info: func(context.Context) (nodeinfo.Info, error) { return info, nil },
		Origin: func(r *http.Request) origin.Origin {
			o, err := origin.Parse("https://blog.example")
			if err != nil || r.Host == "unknown.example" {
				return origin.Origin{}
			}
			return o
		},
		Links: func(o origin.Origin) []nodeinfo.Link {
			return []nodeinfo.Link{{Rel: nodeinfo.RelApplication, Href: o.String() + "/actor"}}
		},
		Logger: slog.New(slog.DiscardHandler),
	}
}

func get(h http.Handler, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w
}

func TestI41_ServedDocumentsValidate(t *testing.T) {
	t.Parallel()
	minimal := nodeinfo.Info{Software: nodeinfo.Software{Name: "blog", Version: "0"}}
	for _, info := range []nodeinfo.Info{full(), minimal} {
		for version, path := range map[string]string{"2.0": nodeinfo.Path20, "2.1": nodeinfo.Path21} {
			w := get(handler(info), path)
			require.Equal(t, 200, w.Code)
			require.Equal(t, `application/json; profile="http://nodeinfo.diaspora.software/ns/schema/`+version+`#"`, w.Header().Get("Content-Type"))
			var doc any
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &doc))
			require.Empty(t, violations(load[map[string]any](t, version+"-schema.json"), doc, ""))
			require.NotContains(t, w.Body.String(), "<")
		}
	}
	w := get(handler(full()), nodeinfo.Path)
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	require.Contains(t, w.Body.String(), `"rel":"http://nodeinfo.diaspora.software/ns/schema/2.1","href":"https://blog.example/nodeinfo/2.1"`)
	require.Equal(t, 421, get(handler(full()), "https://unknown.example"+nodeinfo.Path).Code)
	require.Equal(t, 404, get(handler(full()), "/nodeinfo/3.0").Code)
}

// TestTheValidatorItself shows that it accepts the schema authors' examples and refuses faults.
func TestTheValidatorItself(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2.0", "2.1"} {
		schema := load[map[string]any](t, version+"-schema.json")
		require.Empty(t, violations(schema, load[any](t, version+"-example.json"), ""))
		for _, fault := range []string{"version", "software", "protocols", "services", "openRegistrations", "usage", "metadata"} {
			doc := load[map[string]any](t, version+"-example.json")
			doc[fault] = nil
			require.NotEmpty(t, violations(schema, doc, ""), fault)
			delete(doc, fault)
			require.NotEmpty(t, violations(schema, doc, ""), fault)
		}
	}
}

func TestCheckAgreesWithTheSchema(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*nodeinfo.Info){
		"upper case name":   func(i *nodeinfo.Info) { i.Software.Name = "Blog" },
		"blank in name":     func(i *nodeinfo.Info) { i.Software.Name = "my blog" },
		"no name":           func(i *nodeinfo.Info) { i.Software.Name = "" },
		"unknown protocol":  func(i *nodeinfo.Info) { i.Protocols = []string{"nostr"} },
		"repeated protocol": func(i *nodeinfo.Info) { i.Protocols = []string{"activitypub", "activitypub"} },
		"unknown service":   func(i *nodeinfo.Info) { i.Services.Inbound = []string{"fax"} },
		"no version":        func(i *nodeinfo.Info) { i.Software.Version = "" },
	} {
		info := full()
		spoil(&info)
		require.Error(t, info.Check(), name)
		require.Equal(t, 500, get(handler(info), nodeinfo.Path21).Code, name)
	}
	// Every name that the schema lists passes.
	properties := load[map[string]any](t, "2.1-schema.json")["properties"].(map[string]any)
	names := func(path ...string) (all []string) {
		v := map[string]any{"properties": properties}
		for _, p := range path {
			v = v["properties"].(map[string]any)[p].(map[string]any)
		}
		for _, name := range v["items"].(map[string]any)["enum"].([]any) {
			all = append(all, name.(string))
		}
		return all
	}
	info := full()
	info.Protocols, info.Services.Inbound, info.Services.Outbound = names("protocols"), names("services", "inbound"), names("services", "outbound")
	require.NoError(t, info.Check())
}

func TestI42_LenientReading(t *testing.T) {
	t.Parallel()
	dir := sharedtest.Dir(t, "nodeinfo/examples")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		body, err := os.ReadFile(f)
		require.NoError(t, err)
		info, err := nodeinfo.Parse(body)
		require.NoError(t, err, f)
		require.NotEmpty(t, info.Software.Name, f)
		require.Contains(t, info.Protocols, "activitypub", f)
	}
}

func TestI42_Deviations(t *testing.T) {
	t.Parallel()
	info, err := nodeinfo.Parse([]byte(`{"version":"2.0","software":{"name":"neodb","version":"0.10","repository":"r","x":1},"protocols":["activitypub","neodb",7],
		"usage":{"users":{"total":"12","activeMonth":null,"activeHalfyear":3.0},"localPosts":1e2,"localComments":-4},"openRegistrations":"true","extra":{}}`))
	require.NoError(t, err)
	require.Equal(t, nodeinfo.Software{Name: "neodb", Version: "0.10", Repository: "r"}, info.Software)
	require.Equal(t, []string{"activitypub", "neodb"}, info.Protocols)
	require.EqualValues(t, 12, *info.Usage.TotalUsers)
	require.EqualValues(t, 3, *info.Usage.ActiveHalfyear)
	require.EqualValues(t, 100, *info.Usage.LocalPosts)
	require.Nil(t, info.Usage.ActiveMonth)
	require.Nil(t, info.Usage.LocalComments)
	require.True(t, info.OpenRegistrations)
	info, err = nodeinfo.Parse([]byte(`{"usage":null,"services":[],"software":"x","metadata":[]}`))
	require.NoError(t, err)
	require.Zero(t, info.Software)
	for _, bad := range []string{``, `[]`, `null`, `{`, `{"version":"2.0","version":"2.1"}`, "{\"a\":\"\xff\"}"} {
		_, err := nodeinfo.Parse([]byte(bad))
		require.Error(t, err, bad)
	}
	for _, version := range []string{"1.0", "1.1", "2.0", "2.1", "2.2"} {
		body, err := os.ReadFile(filepath.Join("..", "internal", "testdata", "nodeinfo", version+"-example.json"))
		require.NoError(t, err)
		info, err := nodeinfo.Parse(body)
		require.NoError(t, err)
		require.Equal(t, version, info.Version)
		require.NotEmpty(t, info.Protocols, version)
		require.NotNil(t, info.Usage.TotalUsers, version)
	}
}

type network map[string]http.HandlerFunc

func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	h := n[r.URL.Scheme+"://"+r.URL.Host]
	if h == nil {
		return nil, errors.New("no such host")
	}
	w := httptest.NewRecorder()
	h(w, r)
	return w.Result(), nil
}

func TestClient(t *testing.T) {
	t.Parallel()
	c := &nodeinfo.Client{Transport: network{"https://blog.example": handler(full()).ServeHTTP}}
	info, err := c.Get(t.Context(), "https://blog.example")
	require.NoError(t, err)
	want := full()
	want.Version, want.Services.Inbound = "2.1", info.Services.Inbound
	require.Equal(t, want, *info)
}

func TestI43_ApplicationActor(t *testing.T) {
	t.Parallel()
	c := &nodeinfo.Client{Transport: network{"https://blog.example": handler(full()).ServeHTTP}}
	actor, err := c.Application(t.Context(), "https://blog.example")
	require.NoError(t, err)
	require.Equal(t, "https://blog.example/actor", actor)
	h := handler(full())
	h.Links = nil
	_, err = (&nodeinfo.Client{Transport: network{"https://blog.example": h.ServeHTTP}}).Application(t.Context(), "https://blog.example")
	require.ErrorIs(t, err, nodeinfo.ErrNotFound)
}

func TestClientFailures(t *testing.T) {
	t.Parallel()
	serve := func(media, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{media}
			io.WriteString(w, body)
		}
	}
	links := `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"%s"},{"rel":7},null,{"rel":"x","href":"https://x/"}]}`
	c := &nodeinfo.Client{Transport: network{
		"https://html.example": serve("text/html", "<p>"), "https://bad.example": serve("application/json", "{"), "https://none.example": serve("application/json", `{"links":[]}`),
		"https://large.example": serve("application/json", strings.Repeat(" ", 70_000)), "https://missing.example": http.NotFound,
		"https://loop.example":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, 302) },
		"https://inner.example": serve("application/json", fmt.Sprintf(links, "https://127.0.0.1/nodeinfo")),
		"https://rel.example": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/ni/2.0" {
				serve("application/json; charset=utf-8", `{"software":{"name":"x"}}`)(w, r)
				return
			}
			serve("application/json", fmt.Sprintf(links, "/ni/2.0"))(w, r)
		},
	}}
	for server, code := range map[string]string{
		"https://html.example": nodeinfo.CodeMediaType, "https://bad.example": nodeinfo.CodeSyntax, "https://large.example": nodeinfo.CodeTooLarge,
		"https://missing.example": nodeinfo.CodeStatus, "https://loop.example": nodeinfo.CodeRedirect, "https://down.example": nodeinfo.CodeNetwork,
		"not an origin": nodeinfo.CodeSyntax, "https://inner.example": nodeinfo.CodeNetwork,
	} {
		_, err := c.Get(t.Context(), server)
		var e *nodeinfo.Error
		require.ErrorAs(t, err, &e, server)
		require.Equal(t, code, e.Code, server)
		require.Equal(t, code == nodeinfo.CodeNetwork, e.Temporary(), server)
	}
	_, err := c.Get(t.Context(), "https://none.example")
	require.ErrorIs(t, err, nodeinfo.ErrNotFound)
	_, err = c.Get(t.Context(), "https://missing.example")
	require.ErrorIs(t, err, nodeinfo.ErrNotFound)
	info, err := c.Get(t.Context(), "https://rel.example")
	require.NoError(t, err)
	require.Equal(t, "x", info.Software.Name)
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join("..", "internal", "testdata", "nodeinfo", "*-example.json"))
	for _, name := range files {
		if body, err := os.ReadFile(name); err == nil {
			f.Add(body)
		}
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if info, err := nodeinfo.Parse(doc); err == nil && info.Check() == nil {
			w := get(handler(*info), nodeinfo.Path21)
			require.Equal(t, 200, w.Code)
		}
	})
}
