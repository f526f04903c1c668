package activitystreams_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/internal/sharedtest"
)

// likeMastodon is a Create with the members that Mastodon gives one.
const likeMastodon = `{"@context":["https://www.w3.org/ns/activitystreams",{"ostatus":"http://ostatus.org#","atomUri":"ostatus:atomUri","inReplyToAtomUri":"ostatus:inReplyToAtomUri",
"conversation":"ostatus:conversation","sensitive":"as:sensitive","toot":"http://joinmastodon.org/ns#","votersCount":"toot:votersCount","Emoji":"toot:Emoji","focalPoint":{"@container":"@list","@id":"toot:focalPoint"},
"blurhash":"toot:blurhash","Hashtag":"as:Hashtag"}],"id":"https://social.example/users/ana/statuses/110/activity","type":"Create","actor":"https://social.example/users/ana",
"published":"2024-05-06T12:00:00Z","to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["https://social.example/users/ana/followers","https://peer.example/users/bob"],
"object":{"id":"https://social.example/users/ana/statuses/110","type":"Note","summary":null,"inReplyTo":"https://peer.example/users/bob/statuses/9","published":"2024-05-06T12:00:00Z",
"url":"https://social.example/@ana/110","attributedTo":"https://social.example/users/ana","to":["https://www.w3.org/ns/activitystreams#Public"],
"cc":["https://social.example/users/ana/followers","https://peer.example/users/bob"],"sensitive":false,"atomUri":"https://social.example/users/ana/statuses/110",
"inReplyToAtomUri":"https://peer.example/users/bob/statuses/9","conversation":"tag:social.example,2024-05-06:objectId=77:objectType=Conversation",
"content":"\u003cp\u003e\u003cspan class=\"h-card\"\u003e\u003ca href=\"https://peer.example/@bob\" class=\"u-url mention\"\u003e@\u003cspan\u003ebob\u003c/span\u003e\u003c/a\u003e\u003c/span\u003e Hello \u003ca href=\"https://social.example/tags/go\" class=\"mention hashtag\" rel=\"tag\"\u003e#\u003cspan\u003ego\u003c/span\u003e\u003c/a\u003e :ferris:\u003c/p\u003e",
"contentMap":{"en":"\u003cp\u003e\u003cspan class=\"h-card\"\u003e\u003ca href=\"https://peer.example/@bob\" class=\"u-url mention\"\u003e@\u003cspan\u003ebob\u003c/span\u003e\u003c/a\u003e\u003c/span\u003e Hello \u003ca href=\"https://social.example/tags/go\" class=\"mention hashtag\" rel=\"tag\"\u003e#\u003cspan\u003ego\u003c/span\u003e\u003c/a\u003e :ferris:\u003c/p\u003e"},
"attachment":[{"type":"Document","mediaType":"image/jpeg","url":"https://files.social.example/media/1.jpg","name":"A gopher","blurhash":"UBL_:rOpGG-oBUNG,qRj2so|=eE1w^n4S5NH","focalPoint":[0.0,0.0],"width":1024,"height":768}],
"tag":[{"type":"Mention","href":"https://peer.example/users/bob","name":"@bob@peer.example"},{"type":"Hashtag","href":"https://social.example/tags/go","name":"#go"},
{"id":"https://social.example/emojis/7","type":"Emoji","name":":ferris:","updated":"2023-01-01T00:00:00Z","icon":{"type":"Image","mediaType":"image/png","url":"https://files.social.example/emoji/7.png"}}],
"replies":{"id":"https://social.example/users/ana/statuses/110/replies","type":"Collection","first":{"type":"CollectionPage","next":"https://social.example/users/ana/statuses/110/replies?only_other_accounts=true&page=true","partOf":"https://social.example/users/ana/statuses/110/replies","items":[]}},
"likes":{"id":"https://social.example/users/ana/statuses/110/likes","type":"Collection","totalItems":0},"shares":{"id":"https://social.example/users/ana/statuses/110/shares","type":"Collection","totalItems":0}}}`

func TestAllocations(t *testing.T) {
	doc := []byte(likeMastodon)
	var d as.Decoder
	n, err := d.Decode(doc)
	require.NoError(t, err)
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = d.Decode(doc) }), 75.0)
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = d.Header(doc) }), 20.0)
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = as.Encode(n) }), 20.0)
}

// BenchmarkPrice does what the codec does and what encoding/json does with a map, turn by turn, so that
// they share what else the machine does, and reports each as a multiple of encoding/json.
func BenchmarkPrice(b *testing.B) {
	doc := []byte(likeMastodon)
	var d as.Decoder
	node, err := d.Decode(doc)
	require.NoError(b, err)
	var m map[string]any
	require.NoError(b, json.Unmarshal(doc, &m))
	const unmarshal, header, decode, marshal, encode = 0, 1, 2, 3, 4
	runs := [...]func() error{
		unmarshal: func() error { var m map[string]any; return json.Unmarshal(doc, &m) },
		header:    func() error { _, err := d.Header(doc); return err },
		decode:    func() error { _, err := d.Decode(doc); return err },
		marshal:   func() error { _, err := json.Marshal(m); return err },
		encode:    func() error { _, err := as.Encode(node); return err },
	}
	var took [len(runs)]time.Duration
	for b.Loop() {
		for i, run := range runs {
			start := time.Now()
			for range 10 {
				if err := run(); err != nil {
					b.Fatal(err)
				}
			}
			took[i] += time.Since(start)
		}
	}
	b.ReportMetric(float64(took[header])/float64(took[unmarshal]), "header/map")
	b.ReportMetric(float64(took[decode])/float64(took[unmarshal]), "decode/map")
	b.ReportMetric(float64(took[encode])/float64(took[marshal]), "encode/map")
	b.ReportMetric(0, "ns/op")
}

// benchDocs are documents as servers send them; those of others are left out when absent.
var benchDocs = map[string]string{
	"MastodonCreate": "mastodon/create-note--mastodon-post-activity.json",
	"Actor":          "mastodon/person--mastodon-actor-2.json",
	"LemmyPage":      "lemmy/page--lemmy-page.json",
	"PeerTubeVideo":  "peertube/video--objects-video.json",
}

func eachBench(b *testing.B, f func(b *testing.B, doc []byte)) {
	page := `{"type":"OrderedCollectionPage","orderedItems":[` + strings.TrimSuffix(strings.Repeat(likeMastodon+",", 100), ",") + `]}`
	docs := map[string][]byte{"Own": []byte(likeMastodon), "Page100": []byte(page)}
	for name, path := range benchDocs {
		if doc, err := os.ReadFile(filepath.Join(sharedtest.Dir(b, "wild"), path)); err == nil {
			docs[name] = doc
		}
	}
	for name, doc := range docs {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			f(b, doc)
		})
	}
}

func BenchmarkMap(b *testing.B) {
	eachBench(b, func(b *testing.B, doc []byte) {
		for b.Loop() {
			var m map[string]any
			if err := json.Unmarshal(doc, &m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkHeader(b *testing.B) {
	var d as.Decoder
	eachBench(b, func(b *testing.B, doc []byte) {
		for b.Loop() {
			if _, err := d.Header(doc); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	var d as.Decoder
	eachBench(b, func(b *testing.B, doc []byte) {
		for b.Loop() {
			if _, err := d.Decode(doc); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	eachBench(b, func(b *testing.B, doc []byte) {
		n, err := as.Decode(doc)
		require.NoError(b, err)
		for b.Loop() {
			if _, err := as.Encode(n); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEncodeMade(b *testing.B) {
	n := goodCreate()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := as.Encode(n); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeMap(b *testing.B) {
	eachBench(b, func(b *testing.B, doc []byte) {
		var m map[string]any
		require.NoError(b, json.Unmarshal(doc, &m))
		for b.Loop() {
			if _, err := json.Marshal(m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestTermsAreSorted(t *testing.T) {
	t.Parallel()
	names := []string{}
	for term := range as.Terms() {
		require.NotEmpty(t, term.IRIs, term.Name)
		names = append(names, term.Name)
	}
	require.True(t, slices.IsSorted(names))
	require.Greater(t, len(names), 500, fmt.Sprint(len(names)))
}
