package delivery

import (
	"context"
	"io"
	"net/http"
	"time"
)

// timely makes a request that is not written after its lease: while a connection is made for it, the process may
// be stopped, and goes on before its timers have told it how late it is.
func timely(r *http.Request, end time.Time) {
	open := r.GetBody
	r.GetBody = func() (io.ReadCloser, error) {
		body, err := open()
		return timelyBody{body, end}, err
	}
	r.Body = timelyBody{r.Body, end}
}

type timelyBody struct {
	io.ReadCloser
	end time.Time
}

// Read is refused after the end, which leaves the request without its body: nobody takes that for a message.
func (b timelyBody) Read(p []byte) (int, error) {
	if !time.Now().Before(b.end) { // check: S-93
		return 0, context.DeadlineExceeded
	}
	return b.ReadCloser.Read(p)
}
