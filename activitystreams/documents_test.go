package activitystreams_test

import (
	"encoding/json"
	"html/template"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
)

// object decodes the members as an object that also has an id.
func object(t testing.TB, members string) *as.Object {
	t.Helper()
	n, err := as.Decode([]byte(`{"id":"https://a.example/o/1",` + members + `}`))
	require.NoError(t, err)
	o, ok := as.ObjectOf(n)
	require.True(t, ok, "%T", n)
	return o
}

func TestI45_Pictures(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`{"type":"Image","url":"https://a.example/i.png"}`:                        "https://a.example/i.png",
		`[{"type":"Image","url":"https://a.example/i.png"},{"type":"Image"}]`:     "https://a.example/i.png",
		`"https://a.example/i.png"`:                                               "https://a.example/i.png",
		`{"type":"Link","href":"https://a.example/i.png"}`:                        "https://a.example/i.png",
		`{"type":"Image","url":{"type":"Link","href":"https://a.example/i.png"}}`: "https://a.example/i.png",
		`{"url":["https://a.example/i.png"]}`:                                     "https://a.example/i.png",
		`{"type":"Image"}`:                                                        "",
		`null`:                                                                    "",
		`7`:                                                                       "",
	} {
		require.Equal(t, want, as.PictureURL(object(t, `"icon":`+src).Icon), src)
	}
}

func TestI46_Endpoints(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]as.IRI{
		`"endpoints":{"sharedInbox":"https://a.example/in","uploadMedia":null,"other":1}`: "https://a.example/in",
		`"endpoints":{"sharedInbox":null}`:                                                "",
		`"endpoints":null`:                                                                "",
		`"endpoints":[]`:                                                                  "",
		`"endpoints":"https://a.example/endpoints"`:                                       "",
		`"name":"x"`:                           "",
		`"sharedInbox":"https://a.example/in"`: "https://a.example/in",
	} {
		n, err := as.DecodeAs[*as.Person]([]byte(`{"type":"Person",` + src + `}`))
		require.NoError(t, err)
		require.Equal(t, want, as.SharedInbox(n), src)
	}
}

func TestI47_URLs(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`"https://a.example/page"`: "https://a.example/page",
		`["magnet:?xt=1",{"type":"Link","mediaType":"video/mp4","href":"https://a.example/v.mp4"},{"type":"Link","mediaType":"text/html","href":"https://a.example/page"}]`: "https://a.example/page",
		`[{"type":"Link","mimeType":"text/html; charset=utf-8","href":"https://a.example/page"}]`:                                                                           "https://a.example/page",
		`["https://a.example/page","https://a.example/other"]`:                                                                                                              "https://a.example/page",
		`"/page"`: "https://a.example/page",
		`null`:    "https://a.example/o/1",
		`{"type":"Link","mediaType":"video/mp4","href":"https://a.example/v.mp4"}`: "https://a.example/o/1",
	} {
		require.Equal(t, want, as.HTMLURL(object(t, `"url":`+src)), src)
	}
	video, err := as.Decode([]byte(`{"type":"Video","url":[{"type":"Link","mediaType":"application/x-mpegURL","href":"https://a.example/m.m3u8","tag":[
		{"type":"Infohash","name":"abc"},{"type":"Link","mediaType":"video/mp4","href":"https://a.example/720.mp4","height":720,"size":9},{"type":"Link","mediaType":"application/x-bittorrent;x-scheme-handler/magnet","href":"magnet:?x"}]}]}`))
	require.NoError(t, err)
	all := as.Variants(video)
	require.Len(t, all, 2)
	require.Equal(t, "https://a.example/720.mp4", all[1].URL)
	h, _ := all[1].Height.Int64()
	require.EqualValues(t, 720, h)
}

func TestI48_AttributedTo(t *testing.T) {
	t.Parallel()
	for src, want := range map[string][]as.IRI{
		`"https://a.example/u"`: {"https://a.example/u"},
		`["https://a.example/u",{"type":"Group","id":"https://a.example/c"}]`:         {"https://a.example/u", "https://a.example/c"},
		`{"type":"Person","id":"https://a.example/u","inbox":"https://a.example/in"}`: {"https://a.example/u"},
		`null`: {},
	} {
		require.Equal(t, want, object(t, `"attributedTo":`+src).AttributedTo.IDs(), src)
	}
}

func TestI49_Recipients(t *testing.T) {
	t.Parallel()
	for src, want := range map[string][]as.IRI{
		`"https://a.example/u"`: {"https://a.example/u"},
		`["https://a.example/u",null,{"id":"https://a.example/v"}]`: {"https://a.example/u", "https://a.example/v"},
		`null`: {}, `[]`: {}, `[[ "https://a.example/u" ]]`: {"https://a.example/u"},
	} {
		require.Equal(t, want, object(t, `"to":`+src).To.IDs(), src)
	}
	out, err := as.Encode(&as.Note{To: as.IRIs("https://a.example/u"), CC: as.IRIs("https://a.example/v"), AttributedTo: as.IRIs("https://a.example/u"), InReplyTo: as.IRIs("https://a.example/1")})
	require.NoError(t, err)
	require.JSONEq(t, `{"@context":"https://www.w3.org/ns/activitystreams","type":"Note","attributedTo":"https://a.example/u","to":["https://a.example/u"],"cc":["https://a.example/v"],"inReplyTo":"https://a.example/1"}`, string(out))
}

func TestI50_PublicSpellings(t *testing.T) {
	t.Parallel()
	for _, id := range []as.IRI{as.Public, "as:Public", "Public"} {
		require.True(t, as.IsPublic(id))
		require.True(t, as.IRIs(id).Contains(as.Public))
		require.True(t, as.IRIs(as.Public).Contains(id))
		out, err := as.Encode(&as.Note{To: as.IRIs(id)})
		require.NoError(t, err)
		require.Contains(t, string(out), `"to":["https://www.w3.org/ns/activitystreams#Public"]`, "only the full IRI is emitted")
	}
	require.False(t, as.IsPublic("https://www.w3.org/ns/activitystreams#public"))
	n, err := as.Decode([]byte(`{"type":"Note","to":"as:Public"}`))
	require.NoError(t, err)
	out, err := as.Encode(n)
	require.NoError(t, err)
	require.Contains(t, string(out), `"as:Public"`, "what came stays as it came")
}

func TestI53_Tags(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]int{
		`{"type":"Mention","href":"https://a.example/u"}`: 1, `{"type":["Mention","x"],"name":"@u"}`: 1, `[]`: 0, `null`: 0,
		`[{"type":"Emoji","id":null,"name":":x:","icon":{"url":"https://a.example/e.png"}},{"type":"Hashtag","name":"go"},{"type":"Link","rel":"https://misskey-hub.net/ns#_misskey_quote"}]`: 3,
	} {
		require.Len(t, object(t, `"tag":`+src).Tag, want, src)
	}
	m, ok := as.As[*as.Mention](object(t, `"tag":{"type":["Mention","x"],"href":"https://a.example/u"}`).Tag.First())
	require.True(t, ok)
	require.Equal(t, as.IRI("https://a.example/u"), m.Href)
	require.Equal(t, []string{"Mention", "x"}, as.Types(m))
}

func TestI54_Attachments(t *testing.T) {
	t.Parallel()
	want := as.Attached{Type: "Image", Alt: "a cow", Variant: as.Variant{URL: "https://a.example/cow.jpg", MediaType: "image/jpeg"}}
	for _, src := range []string{
		`{"type":"Image","mediaType":"image/jpeg","url":"https://a.example/cow.jpg","name":"a cow"}`,
		`[{"type":"Image","mediaType":"image/jpeg","url":"cow.jpg","summary":"a cow","name":"IMG_1"}]`,
		`[{"type":"PropertyValue","name":"x","value":"y"},{"type":"Image","mimeType":"image/jpeg","url":[{"type":"Link","href":"https://a.example/cow.jpg"}],"name":"a cow"},{"type":"Image"},null]`,
		`[{"type":"Image","url":[{"type":"Link","href":"https://a.example/cow.jpg","mediaType":"image/jpeg"}],"name":"a cow"}]`,
	} {
		src = strings.ReplaceAll(src, `"cow.jpg"`, `"/cow.jpg"`)
		require.Equal(t, []as.Attached{want}, as.Attachments(object(t, `"attachment":`+src)), src)
	}
	out, err := as.Encode(&as.Note{Attachment: as.Embed(&as.Image{URL: as.IRIs("https://a.example/cow.jpg"), MediaType: "image/jpeg"})})
	require.NoError(t, err)
	require.Contains(t, string(out), `"attachment":[{"type":"Image"`)
}

func TestI55_Languages(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`"content":"x"`:                                "x",
		`"contentMap":{"en":"x","fr":"y"}`:             "x",
		`"content":"x","contentMap":{"en":"x"}`:        "x",
		`"contentMap":{"en_US":"x","":"z","!!":["y"]}`: "x",
		`"content":{"@value":"x","@language":"en"}`:    "x",
		`"content":["x","y"]`:                          "x",
		`"content":null,"contentMap":null`:             "",
		`"content":7,"contentMap":[]`:                  "",
	} {
		require.Equal(t, want, object(t, src).Content.String(), src)
	}
	text := object(t, `"content":"d","contentMap":{"en":"e","pt-BR":"p"}`).Content
	require.Equal(t, []string{"en", "pt-BR"}, text.Languages())
	require.Equal(t, "e", text.In("en-GB"))
	require.Equal(t, "p", text.In("PT-br"))
	require.Equal(t, "d", text.In("ja"))
}

func TestI56_Times(t *testing.T) {
	t.Parallel()
	noon := time.Date(2024, 5, 6, 12, 0, 0, 0, time.UTC)
	for src, want := range map[string]time.Time{
		"2024-05-06T12:00:00Z": noon, "2024-05-06T14:00:00+02:00": noon, "2024-05-06T12:00:00.000000000Z": noon, "2024-05-06T12:00:00": noon,
		"2024-05-06T12:00:00+0000": noon, "2024-05-06 12:00:00": noon, "2024-05-06T12:00Z": noon, "2024-05-06": noon.Add(-12 * time.Hour),
		"Mon, 06 May 2024 12:00:00 GMT": noon, "": {}, "yesterday": {}, "99999-01-01T00:00:00Z": {},
	} {
		o := object(t, `"published":"`+src+`"`)
		require.True(t, want.Equal(o.Published.Time()), src)
		require.Equal(t, src, o.Published.String())
	}
	require.Equal(t, "2024-05-06T12:00:00Z", as.At(noon.In(time.FixedZone("", 3600))).String())
}

func TestI57_Quotes(t *testing.T) {
	t.Parallel()
	const id = "https://b.example/q"
	for src, want := range map[string]as.IRI{
		`"quote":"` + id + `"`: id, `"quote":{"id":"` + id + `","type":"Note"}`: id, `"quoteUri":"` + id + `"`: id, `"quoteUrl":"` + id + `"`: id,
		`"quoteURL":"` + id + `"`: id, `"_misskey_quote":"` + id + `"`: id, `"quote":"words","quoteUri":"` + id + `"`: id,
		`"tag":[{"type":"Link","rel":"https://misskey-hub.net/ns#_misskey_quote","href":"` + id + `"}]`: id,
		`"quote":{"type":"Tombstone","id":"` + id + `"}`:                                                "", `"quote":"He said so"`: "", `"name":"x"`: "",
	} {
		require.Equal(t, want, as.QuoteOf(object(t, src)), src)
	}
	q, err := as.Decode([]byte(`{"type":"Quotation","quote":"A passage"}`))
	require.NoError(t, err)
	require.Equal(t, "A passage", q.(*as.Quotation).Quote.String())
	require.Empty(t, as.QuoteOf(q))
}

func TestI59_Polls(t *testing.T) {
	t.Parallel()
	n, err := as.DecodeAs[*as.Question]([]byte(`{"type":"Question","oneOf":[{"type":"Note","name":"a","replies":{"type":"Collection","totalItems":3}},{"type":"Note","content":"b"}],"closed":true,"votersCount":"3"}`))
	require.NoError(t, err)
	require.Len(t, n.OneOf, 2)
	option, ok := as.As[*as.Note](n.OneOf[0])
	require.True(t, ok)
	votes, ok := as.As[*as.Collection](option.Replies.First())
	require.True(t, ok)
	count, _ := votes.TotalItems.Int64()
	require.EqualValues(t, 3, count)
	require.Equal(t, "true", string(n.Closed))
	require.True(t, n.EndTime.IsZero())
	create, err := as.DecodeAs[*as.Create]([]byte(`{"type":"Create","object":[{"type":"Note","name":"a"},{"type":"Note","name":"b"}]}`))
	require.NoError(t, err)
	require.Len(t, create.Object, 2)
}

func TestI62_InReplyTo(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]as.IRI{`["https://a.example/1"]`: "https://a.example/1", `{"id":"https://a.example/1"}`: "https://a.example/1", `null`: "", `"https://a.example/1"`: "https://a.example/1"} {
		require.Equal(t, want, object(t, `"inReplyTo":`+src).InReplyTo.First().ID(), src)
	}
}

func TestI64_InteractionPolicy(t *testing.T) {
	t.Parallel()
	for _, src := range []string{`"automaticApproval":"as:Public"`, `"automaticApproval":["https://www.w3.org/ns/activitystreams#Public"]`, `"always":"as:Public"`} {
		p := object(t, `"interactionPolicy":{"canReply":{`+src+`}}`).InteractionPolicy
		require.True(t, p.CanReply.Automatic().Contains(as.Public), src)
		require.Empty(t, p.CanReply.Manual())
		require.Nil(t, p.CanLike)
		require.Empty(t, p.CanLike.Automatic())
	}
}

func TestI112_LinkOrder(t *testing.T) {
	t.Parallel()
	out, err := as.Encode(&as.Video{URL: as.Embed(&as.Link{Href: "https://a.example/v.mp4", MediaType: "video/mp4"}, &as.Link{Href: "https://a.example/v", MediaType: "text/html"})})
	require.NoError(t, err)
	require.Less(t, strings.Index(string(out), "text/html"), strings.Index(string(out), "video/mp4"))
}

func TestS106_RemoteHTML(t *testing.T) {
	t.Parallel()
	o := object(t, `"content":"<script>alert(1)</script>","name":"<b>"`)
	require.Equal(t, as.UntrustedHTML("<script>alert(1)</script>"), o.Content.Untrusted())
	require.Equal(t, as.UntrustedHTML("&lt;b&gt;"), o.Name.Untrusted(), "plain text is escaped")
	var page strings.Builder
	require.NoError(t, template.Must(template.New("").Parse(`{{.Content}}{{.Content.Untrusted}}{{.Name}}`)).Execute(&page, o))
	require.NotContains(t, page.String(), "<")
	out, err := as.Encode(o)
	require.NoError(t, err)
	require.NotContains(t, string(out), "<")
}

func TestS107_Addresses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\\u0000script:x", "data:text/html,x", "vbscript:x", "blob:https://a.example/1", "file:///etc/passwd",
		"https:", "https://", "//b.example/x:y", "https://u:p@a.example/", "http:javascript", "\\u0001https://a.example/",
	} {
		o := object(t, `"url":"`+bad+`","icon":{"type":"Image","url":"`+bad+`"},"attachment":{"type":"Document","url":"`+bad+`"},"image":"`+bad+`","quoteUrl":"`+bad+`"`)
		for _, got := range []string{as.HTMLURL(o), as.PictureURL(o.Icon), as.PictureURL(o.Image), string(as.QuoteOf(o))} {
			require.True(t, got == "" || strings.HasPrefix(got, "https://"), "%q became %q", bad, got)
			require.NotContains(t, got, "script")
		}
		for _, m := range as.Attachments(o) {
			require.True(t, strings.HasPrefix(m.URL, "https://"), "%q became %q", bad, m.URL)
		}
	}
	require.Equal(t, "https://a.example/x", as.IRI("https://a.example/x").HTTP())
	require.Empty(t, as.IRI("acct:u@a.example").HTTP())
	require.Equal(t, "javascript:alert(1)", string(object(t, `"url":"javascript:alert(1)"`).URL.First().ID()), "the explicit way shows it")
}

// TestOutputIsSafeInHTML: U+2028, U+2029 and the characters of markup are escaped, in names too.
func TestOutputIsSafeInHTML(t *testing.T) {
	t.Parallel()
	for _, n := range []as.Node{
		&as.Note{Name: as.Plain("<>&\u2028\u2029\"\\\n\x01\xff"), Extra: map[string]as.Raw{"<k>": as.Raw("\"\u2028<\""), "o": as.Raw("{ \"<\" : [ \"&\" ] }")}},
		object(t, "\"name\":\"<>&\u2028\u2029é\",\"<k\u2029>\":{\"a\" : \"<\"},\"content\":\"\\\\<\\\"\""),
	} {
		out, err := as.Encode(n)
		require.NoError(t, err)
		require.True(t, json.Valid(out))
		require.NotContains(t, string(out), "<")
		require.NotContains(t, string(out), ">")
		require.NotContains(t, string(out), "&")
		require.NotContains(t, string(out), "\u2028")
		require.NotContains(t, string(out), "\u2029")
		back, err := as.Decode(out)
		require.NoError(t, err)
		require.Contains(t, mustName(back), "<>&\u2028\u2029")
	}
	_, err := as.Encode(&as.Note{Extra: map[string]as.Raw{"x": as.Raw(`{"a":`)}})
	require.Error(t, err, "text that is not JSON is refused")
}

func mustName(n as.Node) string {
	c, _ := as.CommonOf(n)
	return c.Name.String()
}

func TestS35_MediaTypes(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]bool{
		"application/activity+json":                                                                true,
		"application/activity+json; charset=utf-8":                                                 true,
		"Application/Activity+JSON":                                                                true,
		`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`:                     true,
		`application/ld+json;profile="https://www.w3.org/ns/activitystreams";charset=utf-8`:        true,
		`application/ld+json; profile=https://www.w3.org/ns/activitystreams`:                       true,
		`application/ld+json; charset=utf-8; profile=https://www.w3.org/ns/activitystreams`:        true,
		`application/ld+json; profile="https://a.example/x https://www.w3.org/ns/activitystreams"`: true,
		`application/ld+json; profile='https://www.w3.org/ns/activitystreams'`:                     false,
		`application/ld+json`:                                               false,
		`application/ld+json; profile="https://a.example/"`:                 false,
		`application/json`:                                                  false,
		`application/json; profile="https://www.w3.org/ns/activitystreams"`: false,
		`text/html`:                            false,
		``:                                     false,
		`image/png`:                            false,
		`application/activity+json, text/html`: false,
		`application/octet-stream; x="application/activity+json"`: false,
	} {
		require.Equal(t, want, as.IsActivityType(contentType), contentType)
	}
}
