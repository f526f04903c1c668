//go:build ignore

// The program of kith.go with the standard library alone.
package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
)

type note struct {
	Context      string   `json:"@context"`
	ID           string   `json:"id"`
	Type         string   `json:"type"`
	AttributedTo string   `json:"attributedTo,omitempty"`
	To           []string `json:"to,omitempty"`
	Content      string   `json:"content"`
}

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		doc, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var n note
		if err := json.Unmarshal(doc, &n); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		out, err := json.Marshal(note{Context: "https://www.w3.org/ns/activitystreams", Type: "Note", To: []string{n.AttributedTo}, Content: n.Content})
		if err != nil {
			return
		}
		w.Write(out)
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
