// Command contexts keeps the data of package jsonld fresh. It runs in the root of the module.
//
//	contexts              checks the embedded documents against their pinned hashes
//	contexts -fetch       asks each source for its document and reports what differs
//	contexts -fetch -update  writes what differs, and the new hashes
//	contexts -terms       rewrites jsonld/terms_gen.go from activitystreams/vocabulary.txt
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/gokith/kith/jsonld"
)

func main() {
	dir := flag.String("dir", "jsonld/contexts", "folder of the documents and index.json")
	fetch := flag.Bool("fetch", false, "ask the sources over the network")
	update := flag.Bool("update", false, "with -fetch: write new documents and hashes")
	terms := flag.Bool("terms", false, "rewrite the table of terms")
	out := flag.String("o", "jsonld/terms_gen.go", "with -terms: the file to write")
	flag.Parse()
	var err error
	if *terms {
		err = writeTerms("activitystreams/vocabulary.txt", *out)
	} else {
		err = refresh(*dir, *fetch, *update)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "contexts:", err)
		os.Exit(1)
	}
}

// refresh walks the index. Documents written for this module have no source and are only hashed.
func refresh(dir string, fetch, update bool) error {
	index := filepath.Join(dir, "index.json")
	b, err := os.ReadFile(index)
	if err != nil {
		return err
	}
	var all []jsonld.Embedded
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	client := &http.Client{Timeout: 30 * time.Second}
	differ := 0
	for i, e := range all {
		path := filepath.Join(dir, e.File)
		doc, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if fetch && e.Source != "" {
			fresh, err := get(client, e.Source)
			if err != nil {
				fmt.Printf("%s: %v\n", e.File, err)
			} else if !bytes.Equal(fresh, doc) {
				fmt.Printf("%s: differs from %s (%d bytes, now %d)\n", e.File, e.Source, len(doc), len(fresh))
				doc = fresh
			}
		}
		if sum := hash(doc); sum != e.SHA256 {
			differ++
			fmt.Printf("%s: hash is %s, pinned %s\n", e.File, sum, e.SHA256)
			all[i].SHA256 = sum
			if update {
				if err := os.WriteFile(path, doc, 0o644); err != nil {
					return err
				}
			}
		}
	}
	if differ == 0 {
		return nil
	}
	if !update {
		return fmt.Errorf("%d documents differ", differ)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	return os.WriteFile(index, out.Bytes(), 0o644)
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func get(client *http.Client, url string) ([]byte, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/ld+json, application/json;q=0.9")
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: status %d", url, res.StatusCode)
	}
	doc, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil && !json.Valid(doc) {
		err = fmt.Errorf("%s: not JSON", url)
	}
	return doc, err
}
