package webfinger_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/gokith/kith/webfinger"
)

func ExampleHandler() {
	h := &webfinger.Handler{Lookup: func(_ context.Context, r webfinger.Resource) (*webfinger.JRD, error) {
		if !webfinger.SameHandle(r.Handle(), "ana@blog.example") {
			return nil, webfinger.ErrNotFound
		}
		return webfinger.Account{Handle: "ana@blog.example", ActorID: "https://blog.example/actor"}.JRD(), nil
	}}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", webfinger.Path+"?resource=acct:Ana@blog.example", nil))
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 {"subject":"acct:ana@blog.example","aliases":["https://blog.example/actor"],"links":[{"rel":"self","type":"application/activity+json","href":"https://blog.example/actor"}]}
}

func ExampleExpand() {
	page, err := webfinger.Expand("https://social.example/authorize_interaction?uri={uri}", map[string]string{"uri": "https://blog.example/?p=1&q=2"})
	fmt.Println(page, err)
	// Output:
	// https://social.example/authorize_interaction?uri=https%3A%2F%2Fblog.example%2F%3Fp%3D1%26q%3D2 <nil>
}
