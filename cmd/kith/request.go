package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// parseRequest reads an HTTP/1.1 request as it went over the wire, or as an editor left it: with any
// line ends and, behind the body, a line end too many. Without Content-Length the body is the rest.
func parseRequest(text []byte) (*http.Request, []byte, error) {
	head, body, err := splitHead(text)
	if err != nil {
		return nil, nil, err
	}
	r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(head), strings.NewReader("\r\n\r\n"), bytes.NewReader(body))))
	if err != nil {
		return nil, nil, fmt.Errorf("no HTTP request: %w", err)
	}
	if len(r.TransferEncoding) > 0 {
		body, err = io.ReadAll(r.Body)
		if err != nil {
			return nil, nil, fmt.Errorf("the chunks of the body: %w", err)
		}
		return r, body, nil
	}
	_, stated := r.Header["Content-Length"]
	switch n := r.ContentLength; {
	case n > int64(len(body)):
		return nil, nil, fmt.Errorf("the request is cut: Content-Length says %d bytes, there are %d", n, len(body))
	case stated && len(bytes.TrimRight(body[n:], "\r\n")) > 0:
		return nil, nil, fmt.Errorf("the body goes on behind the %d bytes that Content-Length says", n)
	case stated:
		body = body[:n]
	default:
		body = bytes.TrimRight(body, "\r\n")
		r.ContentLength = int64(len(body))
	}
	return r, body, nil
}

// splitHead parts the head of a message from its body, at the first empty line.
func splitHead(text []byte) (head, body []byte, err error) {
	text = bytes.TrimLeft(text, "\r\n")
	if len(text) == 0 {
		return nil, nil, errors.New("the request is empty")
	}
	at, n := len(text), 0
	for _, gap := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(text, []byte(gap)); i >= 0 && i < at {
			at, n = i, len(gap)
		}
	}
	return bytes.TrimRight(text[:at], "\r\n"), text[at+n:], nil
}
