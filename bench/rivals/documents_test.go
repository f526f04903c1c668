package rivals_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A sample is a document that all are given.
type sample struct {
	name string
	doc  []byte
}

// samples reads the documents of testdata, without white space, as servers send them. The page has a
// hundred different posts.
func samples(t testing.TB) []sample {
	rich := read(t, "mastodon-like-create.json")
	var page bytes.Buffer
	page.WriteString(`{"@context":"https://www.w3.org/ns/activitystreams","type":"OrderedCollectionPage","id":"https://social.example/users/ana/outbox?page=true",` +
		`"partOf":"https://social.example/users/ana/outbox","orderedItems":[`)
	for i := range 100 {
		if i > 0 {
			page.WriteByte(',')
		}
		var post map[string]json.RawMessage
		if err := json.Unmarshal(rich, &post); err != nil {
			t.Fatal(err)
		}
		delete(post, "@context")
		item, err := json.Marshal(post)
		if err != nil {
			t.Fatal(err)
		}
		page.WriteString(strings.ReplaceAll(string(item), "111000000000000001", "1110000000000000"+string(rune('0'+i/10))+string(rune('0'+i%10))))
	}
	page.WriteString("]}")
	return []sample{
		{"Mastodon Create, captured", read(t, "mastodon-create.json")},
		{"Mastodon Create, rich", rich},
		{"Mastodon actor", read(t, "mastodon-actor.json")},
		{"actor, rich", read(t, "mastodon-like-person.json")},
		{"Lemmy Page", read(t, "lemmy-page.json")},
		{"PeerTube Video", read(t, "peertube-video.json")},
		{"page of 100", page.Bytes()},
	}
}

func read(t testing.TB, name string) []byte {
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
