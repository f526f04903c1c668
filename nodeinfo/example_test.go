package nodeinfo_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gokith/kith/nodeinfo"
	"github.com/gokith/kith/origin"
)

func ExampleHandler() {
	h := &nodeinfo.Handler{
		Info: func(context.Context) (nodeinfo.Info, error) {
			users := int64(1)
			return nodeinfo.Info{
				Software: nodeinfo.Software{Name: "blog", Version: "1.0"},
				Usage:    nodeinfo.Usage{TotalUsers: &users},
			}, nil
		},
		Origin: func(*http.Request) origin.Origin {
			o, _ := origin.Parse("https://blog.example")
			return o
		},
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", nodeinfo.Path20, nil))
	fmt.Println(w.Body)
	// Output:
	// {"version":"2.0","software":{"name":"blog","version":"1.0"},"protocols":["activitypub"],"services":{"inbound":[],"outbound":[]},"openRegistrations":false,"usage":{"users":{"total":1}},"metadata":{}}
}
