package activitystreams_test

import (
	"fmt"
	"time"

	as "github.com/gokith/kith/activitystreams"
)

func Example() {
	doc := []byte(`{
		"@context": "https://www.w3.org/ns/activitystreams",
		"id": "https://social.example/activities/1",
		"type": "Create",
		"actor": "https://social.example/users/ana",
		"object": {
			"id": "https://social.example/notes/1",
			"type": "Note",
			"attributedTo": "https://social.example/users/ana",
			"to": "as:Public",
			"content": "<p>Hello, fediverse.</p>",
			"mood": "cheerful"
		}
	}`)
	create, err := as.DecodeAs[*as.Create](doc)
	if err != nil {
		fmt.Println(err)
		return
	}
	note, ok := as.As[*as.Note](create.Object.First())
	fmt.Println(ok, create.Actor.First().ID())
	fmt.Println(note.To.Contains(as.Public), note.Content, string(note.Extra["mood"]))

	note.Updated = as.At(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	out, _ := as.Encode(note)
	fmt.Println(string(out))
	// Output:
	// true https://social.example/users/ana
	// true <p>Hello, fediverse.</p> "cheerful"
	// {"@context":"https://www.w3.org/ns/activitystreams","id":"https://social.example/notes/1","type":"Note","attributedTo":"https://social.example/users/ana","to":"as:Public","content":"\u003cp\u003eHello, fediverse.\u003c/p\u003e","mood":"cheerful","updated":"2026-11-22T12:00:00Z"}
}

func ExampleEncode() {
	out, err := as.Encode(&as.Create{
		To: as.IRIs(as.Public),
		Object: as.Embed(&as.Note{
			AttributedTo: as.IRIs("https://blog.example/ana"),
			Content:      as.Plain("Hello"),
			Sensitive:    new(false),
		}),
	})
	fmt.Println(string(out), err)
	// Output:
	// {"@context":["https://www.w3.org/ns/activitystreams",{"sensitive":"as:sensitive"}],"type":"Create","to":["https://www.w3.org/ns/activitystreams#Public"],"object":{"type":"Note","attributedTo":"https://blog.example/ana","content":"Hello","sensitive":false}} <nil>
}

func ExampleReadHeader() {
	h, err := as.ReadHeader([]byte(`{"id":"https://a.example/1","type":"Follow","actor":"https://a.example/u","object":"https://b.example/v"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	actor, err := h.Actor()
	fmt.Println(h.Types, actor, h.Object, err)
	_, err = as.ReadHeader([]byte(`{"actor":"https://a.example/u","actor":"https://b.example/v"}`))
	fmt.Println(err)
	// Output:
	// [Follow] https://a.example/u https://b.example/v <nil>
	// activitystreams: the name occurs twice at "/actor", byte 31 (json.duplicate)
}

func ExampleRefs() {
	note, _ := as.DecodeAs[*as.Note]([]byte(`{"type":"Note","attributedTo":["https://a.example/u",{"type":"Group","id":"https://a.example/g","name":"Go"}]}`))
	for _, ref := range note.AttributedTo {
		if g, ok := as.As[*as.Group](ref); ok {
			fmt.Println("embedded:", g.Name)
		}
		fmt.Println(ref.ID())
	}
	// Output:
	// https://a.example/u
	// embedded: Go
	// https://a.example/g
}

func ExampleHTMLURL() {
	video, _ := as.Decode([]byte(`{"type":"Video","id":"https://tube.example/v/1","url":[
		{"type":"Link","mediaType":"video/mp4","href":"https://tube.example/1.mp4","height":720},
		{"type":"Link","mediaType":"text/html","href":"https://tube.example/w/1"},
		"javascript:alert(1)"]}`))
	fmt.Println(as.HTMLURL(video))
	for _, v := range as.Variants(video) {
		fmt.Println(v.MediaType, v.URL, v.Height)
	}
	// Output:
	// https://tube.example/w/1
	// video/mp4 https://tube.example/1.mp4 720
	// text/html https://tube.example/w/1
}

// Vote is a type of an app's own, over a shape of the package.
type Vote as.Activity

func (v *Vote) NodeID() as.IRI   { return (*as.Activity)(v).NodeID() }
func (v *Vote) NodeType() string { return "Vote" }

func ExampleRegistry() {
	var registry as.Registry
	as.RegisterType[Vote](&registry, "Vote", "https://polls.example/ns#Vote")
	weight := as.RegisterProperty[as.Number](&registry, "weight", "https://polls.example/ns#weight")

	vote := &Vote{Actor: as.IRIs("https://a.example/u")}
	weight.Set(vote, as.Int(3))
	encoder := as.Encoder{Registry: &registry}
	doc, _ := encoder.Encode(vote)
	fmt.Println(string(doc))

	decoder := as.Decoder{Registry: &registry}
	node, _ := decoder.Decode(doc)
	back, ok := node.(*Vote)
	value, _ := weight.Get(back)
	fmt.Println(ok, value)
	// Output:
	// {"@context":["https://www.w3.org/ns/activitystreams",{"Vote":"https://polls.example/ns#Vote","weight":"https://polls.example/ns#weight"}],"type":"Vote","actor":"https://a.example/u","weight":3}
	// true 3
}

func ExampleStripBlind() {
	note := &as.Note{To: as.IRIs("https://a.example/u"), BCC: as.IRIs("https://b.example/v")}
	_, bcc := as.StripBlind(note)
	out, _ := as.Encode(note)
	fmt.Println(bcc, string(out))
	// Output:
	// [https://b.example/v] {"@context":"https://www.w3.org/ns/activitystreams","type":"Note","to":["https://a.example/u"]}
}

func ExampleText() {
	text := as.TextMap(map[string]string{"en": "Hello", "pt": "Olá"})
	fmt.Println(text, text.In("pt-BR"), text.Languages())
	fmt.Println(as.Plain("1 < 2").Untrusted())
	// Output:
	// Hello Olá [en pt]
	// 1 &lt; 2
}

func ExampleQuoteOf() {
	note, _ := as.Decode([]byte(`{"type":"Note","quoteUri":"https://b.example/notes/7"}`))
	fmt.Println(as.QuoteOf(note))
	// Output: https://b.example/notes/7
}
