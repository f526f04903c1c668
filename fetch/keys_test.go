package fetch_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/origin"
)

var (
	_ httpsig.KeyFinder    = (*fetch.Keys)(nil)
	_ httpsig.KeyRefresher = (*fetch.Keys)(nil)
)

const ana = "https://a.example/users/ana"

type equaler interface{ Equal(crypto.PublicKey) bool }

func requireKey(t *testing.T, want crypto.PublicKey, owner string, key httpsig.Key, err error) {
	t.Helper()
	require.NoError(t, err)
	require.True(t, key.Public.(equaler).Equal(want))
	require.Equal(t, owner, key.Owner)
}

// actorWith serves ana with the given publicKey member and further members.
func actorWith(n *network, members string) *http.ServeMux {
	a := n.host("a.example")
	doc(a, "/users/ana", person(ana, members))
	return a
}

func TestI7_KeyInAList(t *testing.T) {
	t.Parallel()
	n, rsa, other := newNetwork(), testKeys()[0].Public(), testKeys()[2].Public()
	actorWith(n, `"publicKey":[`+publicKey(ana+"#old", ana, pem(t, other))+`,`+publicKey(ana+"#main-key", ana, pem(t, rsa))+`]`)
	key, err := client(t, n).Keys().FindKey(t.Context(), ana+"#main-key")
	requireKey(t, rsa, ana, key, err)
	require.Equal(t, ana+"#main-key", key.ID)
}

func TestI8_KeyWithItsOwnDocument(t *testing.T) {
	t.Parallel()
	rsa, ed := testKeys()[0].Public(), testKeys()[1].Public()
	keyID := ana + "/main-key"
	bare := `{"@context":"https://w3id.org/security/v1","id":"` + keyID + `","owner":"` + ana + `","publicKeyPem":"` + pem(t, rsa) + `"}`
	stub := `{` + ctxAS + `,"id":"` + ana + `","type":"Person","preferredUsername":"ana","publicKey":` + publicKey(keyID, ana, pem(t, rsa)) + `}`
	multi := `{"@context":"https://w3id.org/security/multikey/v1","id":"` + keyID + `","type":"Multikey","controller":"` + ana + `","publicKeyMultibase":"` + multikey(t, ed) + `"}`
	cid := strings.Replace(multi, "https://w3id.org/security/multikey/v1", "https://www.w3.org/ns/cid/v1", 1)
	for name, tc := range map[string]struct {
		document, listing string
		want              crypto.PublicKey
	}{
		"bare key, listed whole": {bare, `"publicKey":` + publicKey(keyID, ana, pem(t, rsa)), rsa},
		"bare key, listed by id": {bare, `"publicKey":"` + keyID + `"`, rsa},
		"bare key, list of ids":  {bare, `"publicKey":["https://a.example/k2","` + keyID + `"]`, rsa},
		"actor stub":             {stub, `"publicKey":` + publicKey(keyID, ana, pem(t, rsa)), rsa},
		"multikey, listed whole": {multi, `"assertionMethod":[{"id":"` + keyID + `","type":"Multikey","controller":"` + ana + `","publicKeyMultibase":"` + multikey(t, ed) + `"}]`, ed},
		"multikey (CID), by id":  {cid, `"assertionMethod":"` + keyID + `"`, ed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork()
			doc(actorWith(n, tc.listing), "/users/ana/main-key", tc.document)
			c := client(t, n)
			key, err := c.Keys().FindKey(t.Context(), keyID)
			requireKey(t, tc.want, ana, key, err)
			require.Len(t, n.requests(), 2)
			key, err = c.Keys().FindKey(t.Context(), keyID)
			requireKey(t, tc.want, ana, key, err)
			require.Len(t, n.requests(), 2)
		})
	}
}

func TestI9_KeyIDForms(t *testing.T) {
	t.Parallel()
	rsa := testKeys()[0].Public()
	for actor, keyID := range map[string]string{
		"https://a.example/users/ana":    "https://a.example/users/ana#main-key",
		"https://a.example/uid/1":        "https://a.example/uid/1#key",
		"https://a.example/gnu":          "https://a.example/gnu#public-key",
		"https://a.example/user/mouse":   "https://a.example/user/mouse/#main-key",
		"https://a.example/?author=1":    "https://a.example/?author=1#main-key",
		"https://a.example/users/gts":    "https://a.example/users/gts/main-key",
		"https://a.example/channel/hub":  "https://a.example/channel/hub/public_key_pem",
		"https://a.example/ap/users/116": "https://a.example/ap/users/116#main-key",
	} {
		t.Run(keyID, func(t *testing.T) {
			t.Parallel()
			n := newNetwork()
			document := person(actor, `"publicKey":`+publicKey(keyID, actor, pem(t, rsa)))
			n.host("a.example").HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", as.ContentType)
				w.Write([]byte(document)) // whatever path: the actor, as some servers do
			})
			key, err := client(t, n).Keys().FindKey(t.Context(), keyID)
			requireKey(t, rsa, actor, key, err)
			require.Equal(t, keyID, key.ID)
		})
	}
}

func TestI10_BareActorID(t *testing.T) {
	t.Parallel()
	rsa, ed := testKeys()[0].Public(), testKeys()[1].Public()
	n := newNetwork()
	actorWith(n, `"publicKey":`+publicKey(ana+"#main-key", ana, pem(t, rsa)))
	key, err := client(t, n).Keys().FindKey(t.Context(), ana)
	requireKey(t, rsa, ana, key, err)
	n = newNetwork()
	actorWith(n, `"publicKey":`+publicKey(ana+"#main-key", ana, pem(t, rsa))+
		`,"assertionMethod":[{"id":"`+ana+`#ed","type":"Multikey","controller":"`+ana+`","publicKeyMultibase":"`+multikey(t, ed)+`"}]`)
	_, err = client(t, n).Keys().FindKey(t.Context(), ana)
	require.Equal(t, fetch.CodeKeySeveral, fetch.Code(err))
	require.ErrorIs(t, err, httpsig.ErrKeyNotFound)
}

func TestS22_OneSidedClaims(t *testing.T) {
	t.Parallel()
	rsa := testKeys()[0].Public()
	keyID := "https://a.example/key"
	bare := func(id, owner string) string {
		return `{"@context":"https://w3id.org/security/v1","id":"` + id + `","owner":"` + owner + `","publicKeyPem":"` + pem(t, rsa) + `"}`
	}
	for name, tc := range map[string]struct {
		key, actor, code string
	}{
		"owner on another origin": {bare(keyID, "https://b.example/users/bob"), person(ana, ""), fetch.CodeKeyForeign},
		"owner does not list it":  {bare(keyID, ana), person(ana, `"publicKey":`+publicKey(ana+"#k", ana, pem(t, rsa))), fetch.CodeKeyUnlisted},
		"owner lists no key":      {bare(keyID, ana), person(ana, ""), fetch.CodeKeyUnlisted},
		"listed for another owner": {bare(keyID, ana), person(ana, `"publicKey":`+publicKey(keyID, "https://a.example/users/eve", pem(t, rsa))),
			fetch.CodeKeyForeign},
		"owner has another id": {bare(keyID, ana), person("https://a.example/users/eve", ""), fetch.CodeKeyUnlisted},
		"owner is no actor":    {bare(keyID, ana), note(ana), fetch.CodeKeyNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork()
			a := n.host("a.example")
			doc(a, "/key", tc.key)
			doc(a, "/users/ana", tc.actor)
			doc(a, "/users/eve", person("https://a.example/users/eve", `"publicKey":`+publicKey(keyID, "https://a.example/users/eve", pem(t, rsa))))
			doc(n.host("b.example"), "/users/bob", person("https://b.example/users/bob", `"publicKey":`+publicKey(keyID, "https://b.example/users/bob", pem(t, rsa))))
			_, err := client(t, n).Keys().FindKey(t.Context(), keyID)
			require.Equal(t, tc.code, fetch.Code(err), "%v", err)
			require.False(t, fetch.Temporary(err))
		})
	}
	t.Run("actor lists a key of another origin", func(t *testing.T) {
		t.Parallel()
		n := newNetwork()
		actorWith(n, `"publicKey":`+publicKey("https://b.example/key", ana, pem(t, rsa)))
		doc(n.host("b.example"), "/key", bare("https://b.example/key", ana))
		_, err := client(t, n).Keys().FindKey(t.Context(), "https://b.example/key")
		require.Equal(t, fetch.CodeKeyForeign, fetch.Code(err))
		require.Zero(t, n.count("a.example"))
	})
}

func TestS23_KeyDocumentUnderAnotherID(t *testing.T) {
	t.Parallel()
	testMismatchedKey(t)
}

func TestI11_KeyDocumentUnderAnotherID(t *testing.T) {
	t.Parallel()
	testMismatchedKey(t)
}

func testMismatchedKey(t *testing.T) {
	evil, real := testKeys()[2].Public(), testKeys()[0].Public()
	n := newNetwork()
	a := actorWith(n, `"publicKey":`+publicKey(ana+"#main-key", ana, pem(t, real)))
	// A file under the attacker's control on the same origin claims to be ana's key, and ana.
	doc(a, "/uploads/1", publicKey(ana+"#main-key", ana, pem(t, evil)))
	doc(a, "/uploads/2", person(ana, `"publicKey":`+publicKey(ana+"#main-key", ana, pem(t, evil))))
	doc(a, "/uploads/3", person(ana, `"publicKey":`+publicKey("https://a.example/uploads/3", ana, pem(t, evil))))
	c := client(t, n)
	for _, keyID := range []string{"https://a.example/uploads/1", "https://a.example/uploads/2", "https://a.example/uploads/2#main-key", "https://a.example/uploads/3"} {
		_, err := c.Keys().FindKey(t.Context(), keyID)
		require.ErrorIs(t, err, httpsig.ErrKeyNotFound, keyID)
	}
	key, err := c.Keys().FindKey(t.Context(), ana+"#main-key")
	requireKey(t, real, ana, key, err)
}

func TestS24_KeyIDTricks(t *testing.T) {
	t.Parallel()
	rsa := testKeys()[0].Public()
	n := newNetwork()
	n.host("a.example").HandleFunc("/users/ana", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", as.ContentType)
		w.Write([]byte(person(ana, `"publicKey":[`+publicKey(ana+"#main-key", ana, pem(t, rsa))+`,`+publicKey(ana+"#k2", ana, pem(t, testKeys()[2].Public()))+`]`)))
	})
	c := client(t, n)
	for _, keyID := range []string{
		"", "#main-key", "ana", "/users/ana#main-key", "//a.example/users/ana#main-key",
		"acct:ana@a.example", "mailto:ana@a.example", "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "data:text/plain,x",
		"javascript:alert(1)", "file:///etc/passwd", "ap://a.example/users/ana",
		ana, ana + "#", ana + "#other", ana + "#MAIN-KEY", ana + "#main-key#", ana + "?x#main-key", ana + "/#main-key", ana + "#main-key%00",
		"https://user@a.example/users/ana#main-key", "https://a.example:443/users/ana#main-key", "https://A.example/users/ana#main-key",
		"http://a.example/users/ana#main-key", "https://a.example./users/ana#main-key", "https://a.example/users/%61na#main-key",
		" " + ana + "#main-key", ana + "#main-key\n", "https://a.example:8443/users/ana#main-key", "https://127.0.0.1/users/ana#main-key",
		"https://" + strings.Repeat("a", 3000) + ".example/",
	} {
		_, err := c.Keys().FindKey(t.Context(), keyID)
		require.ErrorIs(t, err, httpsig.ErrKeyNotFound, keyID)
		require.False(t, fetch.Temporary(err), keyID)
		if !strings.HasPrefix(strings.ToLower(keyID), "http") {
			require.Equal(t, fetch.CodeKeyID, fetch.Code(err), keyID)
		}
	}
	key, err := c.Keys().FindKey(t.Context(), ana+"#main-key")
	requireKey(t, rsa, ana, key, err)
}

func TestS25_KeyRedirectedElsewhere(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	n.host("a.example").Handle("/users/ana", http.RedirectHandler("https://evil.example/users/ana", 302))
	doc(n.host("evil.example"), "/users/ana", person(ana, `"publicKey":`+publicKey(ana+"#main-key", ana, pem(t, testKeys()[2].Public()))))
	_, err := client(t, n).Keys().FindKey(t.Context(), ana+"#main-key")
	require.ErrorIs(t, err, httpsig.ErrKeyNotFound)
	require.Zero(t, n.count("evil"))
}

// rotating serves ana with a key that can be changed.
func rotating(t *testing.T, n *network) (set func(crypto.PublicKey)) {
	var mu sync.Mutex
	var document string
	set = func(pub crypto.PublicKey) {
		mu.Lock()
		defer mu.Unlock()
		document = person(ana, `"publicKey":`+publicKey(ana+"#main-key", ana, pem(t, pub)))
	}
	set(testKeys()[0].Public())
	n.host("a.example").HandleFunc("/users/ana", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", as.ContentType)
		w.Write([]byte(document))
	})
	return set
}

func TestS26_Rotation(t *testing.T) {
	t.Parallel()
	testRotation(t)
}

func TestI13_Rotation(t *testing.T) {
	t.Parallel()
	testRotation(t)
}

func testRotation(t *testing.T) {
	old, fresh := testKeys()[0].Public(), testKeys()[2].Public()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		set := rotating(t, n)
		c := client(t, n)
		keyID := ana + "#main-key"
		key, err := c.Keys().FindKey(t.Context(), keyID)
		requireKey(t, old, ana, key, err)
		require.Len(t, n.requests(), 1)
		set(fresh)
		key, err = c.Keys().FindKey(t.Context(), keyID)
		requireKey(t, old, ana, key, err)
		key, err = c.Keys().RefreshKey(t.Context(), keyID)
		requireKey(t, fresh, ana, key, err)
		require.Len(t, n.requests(), 2)
		set(old)
		for range 1000 {
			key, err = c.Keys().RefreshKey(t.Context(), keyID)
			requireKey(t, fresh, ana, key, err)
		}
		for i := range 1000 {
			_, err = c.Keys().FindKey(t.Context(), fmt.Sprintf("%s#invented-%d", ana, i))
			require.ErrorIs(t, err, httpsig.ErrKeyNotFound)
		}
		require.Len(t, n.requests(), 2)
		time.Sleep(6 * time.Minute)
		key, err = c.Keys().RefreshKey(t.Context(), keyID)
		requireKey(t, old, ana, key, err)
		require.Len(t, n.requests(), 3)
	})
}

func TestPutActorEndsADroppedKeyAtOnce(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	rotating(t, n)
	c := client(t, n)
	_, err := c.Keys().FindKey(t.Context(), ana+"#main-key")
	require.NoError(t, err)
	require.NoError(t, c.PutActor(t.Context(), ana, []byte(person(ana, `"publicKey":`+publicKey(ana+"#k2", ana, pem(t, testKeys()[2].Public()))))))
	key, err := c.Keys().FindKey(t.Context(), ana+"#k2")
	requireKey(t, testKeys()[2].Public(), ana, key, err)
	require.Len(t, n.requests(), 1)
	require.Error(t, c.PutActor(t.Context(), ana, []byte(person("https://a.example/users/eve", ""))))
	require.Error(t, c.PutActor(t.Context(), ana, []byte(note(ana))))
}

func TestS80_InventedKeyIDs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ hosts, inFlight int }{"one host": {1, 4}, "names below one domain": {20, 20}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { inventKeys(t, tc.hosts, tc.inFlight) })
		})
	}
}

// inventKeys asks for 10,000 keys that do not exist on hosts that take a second to say so.
func inventKeys(t *testing.T, hosts, inFlight int) {
	n := newNetwork()
	var mu sync.Mutex
	flying, most := 0, 0
	count := func(by int) {
		mu.Lock()
		defer mu.Unlock()
		flying += by
		most = max(most, flying)
	}
	for i := range hosts {
		n.host(fmt.Sprintf("h%d.evil.example", i)).HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
			count(1)
			time.Sleep(time.Second)
			count(-1)
			w.WriteHeader(404)
		})
	}
	c := client(t, n)
	start := time.Now()
	var wg sync.WaitGroup
	for i := range 10_000 {
		wg.Go(func() {
			time.Sleep(time.Duration(i) * time.Millisecond)
			if _, err := c.Keys().FindKey(t.Context(), fmt.Sprintf("https://h%d.evil.example/%d#main-key", i%hosts, i)); err == nil {
				panic("found an invented key")
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, most, inFlight)
	require.LessOrEqual(t, len(n.requests()), 10+10*int(1+time.Since(start).Seconds()))
}

func TestS80_SingleFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		body := person(ana, `"publicKey":`+publicKey(ana+"#main-key", ana, pem(t, testKeys()[0].Public())))
		n.host("a.example").HandleFunc("/users/ana", func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second)
			w.Header().Set("Content-Type", as.ContentType)
			w.Write([]byte(body))
		})
		c := client(t, n)
		var wg sync.WaitGroup
		for i := range 500 {
			wg.Go(func() {
				ctx := t.Context()
				if i == 0 { // the caller that started it leaves
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, time.Millisecond)
					defer cancel()
				}
				_, err := c.Keys().FindKey(ctx, ana+"#main-key")
				if err != nil && ctx.Err() == nil {
					panic(err)
				}
			})
		}
		wg.Wait()
		require.Len(t, n.requests(), 1)
	})
}

// lateCache misses what it has at the first look, as when another request stores it at that moment.
type lateCache struct {
	fetch.Cache
	late atomic.Bool
}

func (c *lateCache) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if key == "actor "+ana && c.late.CompareAndSwap(true, false) {
		return nil, false, nil
	}
	return c.Cache.Get(ctx, key)
}

// mapCache keeps everything.
type mapCache struct{ sync.Map }

func (m *mapCache) Get(_ context.Context, key string) ([]byte, bool, error) {
	v, ok := m.Load(key)
	b, _ := v.([]byte)
	return b, ok, nil
}

func (m *mapCache) Put(_ context.Context, key string, value []byte, _ time.Time) error {
	m.Store(key, append([]byte(nil), value...))
	return nil
}

func (m *mapCache) Delete(_ context.Context, key string) error {
	m.Map.Delete(key)
	return nil
}

// TestKeyThatComesMeanwhile asks for a key whose document another request stores between two looks into
// the cache: it is listed there, so that it must not be called unknown.
func TestKeyThatComesMeanwhile(t *testing.T) {
	t.Parallel()
	n, rsa := newNetwork(), testKeys()[0].Public()
	actorWith(n, `"publicKey":`+publicKey(ana+"#main-key", ana, pem(t, rsa)))
	cache := &lateCache{Cache: new(mapCache)}
	c := client(t, n, func(cfg *fetch.Config) { cfg.Cache, cfg.Limits.KeyMemory = cache, time.Nanosecond })
	for range 3 { // the first finds it, the second may look once more, the third may not
		cache.late.Store(true)
		key, err := c.Keys().FindKey(t.Context(), ana+"#main-key")
		requireKey(t, rsa, ana, key, err)
	}
	require.Len(t, n.requests(), 1)
}

func TestL22_NegativeCache(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a := n.host("a.example")
		c := client(t, n)
		for range 100 {
			_, err := c.Keys().FindKey(t.Context(), ana+"#main-key")
			require.ErrorIs(t, err, httpsig.ErrKeyNotFound)
		}
		require.Len(t, n.requests(), 1)
		doc(a, "/users/ana", person(ana, `"publicKey":`+publicKey(ana+"#main-key", ana, pem(t, testKeys()[0].Public()))))
		time.Sleep(10*time.Minute + time.Second)
		key, err := c.Keys().FindKey(t.Context(), ana+"#main-key")
		requireKey(t, testKeys()[0].Public(), ana, key, err)
	})
}

func TestI28_KindsOfKeyFailure(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	a := n.host("a.example")
	for path, status := range map[string]int{"/gone": 410, "/busy": 503, "/denied": 403} {
		a.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	}
	doc(a, "/tombstone", `{`+ctxAS+`,"id":"https://a.example/tombstone","type":"Tombstone"}`)
	doc(a, "/note", note("https://a.example/note"))
	c := client(t, n, func(cfg *fetch.Config) {
		cfg.Policy = func(_ context.Context, o origin.Origin) error {
			if o.Hostname() == "blocked.example" {
				return errors.New("blocked")
			}
			return nil
		}
	})
	for keyID, code := range map[string]string{
		"https://a.example/gone#k": fetch.CodeKeyGone, "https://a.example/busy#k": fetch.CodeKeyUnavailable,
		"https://a.example/denied#k": fetch.CodeKeyNotFound, "https://a.example/note#k": fetch.CodeKeyIDMismatch,
		"https://down.example/x#k": fetch.CodeKeyUnavailable, "https://blocked.example/x#k": fetch.CodeKeyBlocked,
		"https://a.example/missing#k": fetch.CodeKeyNotFound,
	} {
		_, err := c.Keys().FindKey(t.Context(), keyID)
		require.Equal(t, code, fetch.Code(err), keyID)
		require.Equal(t, code == fetch.CodeKeyUnavailable, fetch.Temporary(err), keyID)
		require.Equal(t, code == fetch.CodeKeyGone, errors.Is(err, httpsig.ErrKeyGone), keyID)
		require.Equal(t, code == fetch.CodeKeyBlocked, errors.Is(err, httpsig.ErrBlocked), keyID)
	}
	ctx := fetch.WithBudget(t.Context(), fetch.Budget{})
	_, err := c.Keys().FindKey(ctx, "https://a.example/other#k")
	require.True(t, fetch.Temporary(err), "our own limits are no verdict on the key")
}

func TestMalformedKeyIsNotFound(t *testing.T) {
	t.Parallel()
	for _, member := range []string{
		`"publicKey":` + publicKey(ana+"#main-key", ana, "nonsense"), `"publicKey":7`, `"publicKey":[null,{}]`, `"publicKey":{"id":"` + ana + `#main-key"}`,
		`"assertionMethod":[{"id":"` + ana + `#main-key","type":"Multikey","controller":"` + ana + `","publicKeyMultibase":"zzz"}]`,
	} {
		n := newNetwork()
		actorWith(n, member)
		_, err := client(t, n).Keys().FindKey(t.Context(), ana+"#main-key")
		require.ErrorIs(t, err, httpsig.ErrKeyNotFound, member)
	}
}

func TestKeysOfOurOwnActors(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	pub := testKeys()[0].Public()
	c := client(t, n, func(cfg *fetch.Config) {
		cfg.Local = func(_ context.Context, iri as.IRI) ([]byte, bool, error) {
			switch {
			case !origin.Same(iri, ana):
				return nil, false, nil
			case iri == ana:
				return []byte(person(ana, `"publicKey":`+publicKey(ana+"#main-key", ana, pem(t, pub)))), true, nil
			}
			return nil, true, fetch.ErrNotFound
		}
	})
	key, err := c.Keys().FindKey(t.Context(), ana+"#main-key")
	requireKey(t, pub, ana, key, err)
	pub = testKeys()[2].Public()
	key, err = c.Keys().FindKey(t.Context(), ana+"#main-key")
	requireKey(t, pub, ana, key, err)
	key, err = c.Keys().RefreshKey(t.Context(), ana+"#main-key")
	requireKey(t, pub, ana, key, err)
	_, err = c.Keys().FindKey(t.Context(), "https://a.example/nobody#main-key")
	require.ErrorIs(t, err, httpsig.ErrKeyNotFound)
	require.Empty(t, n.requests())
}

func TestEndedKeys(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]string{"revoked": `"revoked":"2024-01-01T00:00:00Z"`, "expired": `"expires":"2024-01-01T00:00:00Z"`} {
		n := newNetwork()
		actorWith(n, `"assertionMethod":[{"id":"`+ana+`#ed","type":"Multikey","controller":"`+ana+`","publicKeyMultibase":"`+multikey(t, testKeys()[1].Public())+`",`+more+`}]`)
		_, err := client(t, n).Keys().FindKey(t.Context(), ana+"#ed")
		require.Equal(t, fetch.CodeKeyEnded, fetch.Code(err), name)
	}
}

func TestOurOwnTroubleIsNotRemembered(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	actorWith(n, `"publicKey":`+publicKey(ana+"#main-key", ana, pem(t, testKeys()[0].Public())))
	trouble := errors.New("the store is down")
	var guard, policy, signer error
	c := client(t, n, func(cfg *fetch.Config) {
		cfg.Guard = func(context.Context) error { return guard }
		cfg.Policy = func(context.Context, origin.Origin) error { return policy }
		cfg.Signer = func(context.Context) (*httpsig.Signer, error) { return nil, signer }
	})
	for _, set := range []*error{&guard, &policy, &signer} {
		*set = trouble
		_, err := c.Keys().FindKey(t.Context(), ana+"#main-key")
		require.ErrorIs(t, err, trouble)
		require.Equal(t, set != &policy, fetch.Temporary(err))
		_, err = c.Actor(t.Context(), ana)
		require.ErrorIs(t, err, trouble)
		*set = nil
	}
	_, err := c.Keys().FindKey(fetch.WithBudget(t.Context(), fetch.Budget{}), ana+"#main-key")
	require.ErrorIs(t, err, fetch.ErrBudget)
	require.Empty(t, n.requests())
	key, err := c.Keys().FindKey(t.Context(), ana+"#main-key")
	requireKey(t, testKeys()[0].Public(), ana, key, err)
}

// TestI13_RotationUnderLoad: both new keys of an actor are found by all who ask for them at once, with one
// look.
func TestI13_RotationUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, rsa := newNetwork(), testKeys()[0].Public()
		actorWith(n, `"publicKey":`+publicKey(ana+"#main-key", ana, pem(t, rsa)))
		c := client(t, n)
		_, err := c.Keys().FindKey(t.Context(), ana+"#main-key")
		require.NoError(t, err)
		actorWith(n, `"publicKey":[`+publicKey(ana+"#new", ana, pem(t, rsa))+`,`+publicKey(ana+"#newer", ana, pem(t, rsa))+`]`)
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				_, err := c.Keys().FindKey(t.Context(), ana+[]string{"#new", "#newer"}[i%2])
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Len(t, n.requests(), 2)
	})
}
