//go:build ignore

// A program that reads a Note and writes one.
package main

import (
	"io"
	"log"
	"net/http"

	as "github.com/gokith/kith/activitystreams"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		doc, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		n, err := as.DecodeAs[*as.Note](doc)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		out, err := as.Encode(&as.Note{To: n.AttributedTo, Content: n.Content})
		if err != nil {
			return
		}
		w.Write(out)
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
