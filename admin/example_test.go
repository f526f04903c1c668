package admin_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/gokith/kith/admin"
	"github.com/gokith/kith/storage/memory"
)

// The handler lets everybody in: the app's login stands before it.
func Example() {
	store := memory.New() // the server's
	desk, err := admin.New(admin.Config{
		Store:  store,
		Who:    func(r *http.Request) string { name, _, _ := r.BasicAuth(); return name },
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/admin/", requireLogin(http.StripPrefix("/admin", desk)))

	ask := func(login bool) {
		r := httptest.NewRequest(http.MethodGet, "/admin/api/hosts", nil)
		if login {
			r.SetBasicAuth("ana", "correct horse")
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
	ask(false)
	ask(true)
	// Output:
	// 401 who are you?
	// 200 {"items":[]}
}

func requireLogin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, password, ok := r.BasicAuth(); !ok || name != "ana" || password != "correct horse" {
			w.Header().Set("WWW-Authenticate", `Basic realm="admin"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
