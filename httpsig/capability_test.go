package httpsig

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCapability(t *testing.T) {
	t.Parallel()
	both, plain := Capability{RFC9421: true, Ed25519: true}, Capability{RFC9421: true}
	type implements []struct{ Href string }
	hrefs := func(list implements) (all []string) {
		for _, i := range list {
			all = append(all, i.Href)
		}
		return all
	}
	var application struct{ Implements implements }
	readJSON(t, filepath.Join(vectors, "fep-844e", "fep-844e-000-application.json"), &application)
	require.Equal(t, plain, CapabilityOf(hrefs(application.Implements)...))
	var person struct {
		Generator struct{ Implements implements }
	}
	readJSON(t, filepath.Join(vectors, "fep-844e", "fep-844e-001-person.json"), &person)
	require.Equal(t, plain, CapabilityOf(hrefs(person.Generator.Implements)...))

	require.Equal(t, Capability{}, CapabilityOf("https://example.com", ""))
	require.Equal(t, both, CapabilityOf("x", ImplementsEd25519))
	for _, c := range []Capability{{}, plain, both} {
		require.Equal(t, c, CapabilityOf(c.Implements()...))
	}
	for level, want := range map[string]Capability{"00": {}, "10": plain, "11": both, "01": {Ed25519: true}, "": {}, "1": {}, "xx": {}, "100": {}} {
		require.Equal(t, want, CapabilityOfLevel(level), level)
	}
	require.Equal(t, both, plain.Or(Capability{Ed25519: true}))

	rsa, ed := &Signer{KeyID: "rsa"}, &Signer{KeyID: "ed"}
	for _, c := range []struct {
		known  Capability
		ed     *Signer
		first  Scheme
		signer *Signer
		scheme Scheme
	}{
		{Capability{}, ed, Cavage, rsa, Cavage},
		{Capability{}, ed, RFC9421, rsa, RFC9421},
		{plain, ed, Cavage, rsa, RFC9421},
		{both, ed, Cavage, ed, RFC9421},
		{both, nil, Cavage, rsa, RFC9421},
		{Capability{Ed25519: true}, ed, Cavage, ed, Cavage},
	} {
		s, scheme := c.known.Choose(rsa, c.ed, c.first)
		require.Same(t, c.signer, s)
		require.Equal(t, c.scheme, scheme)
	}

	for name, key := range testSigners(t) {
		for _, scheme := range []Scheme{Cavage, RFC9421} {
			res, err := testVerifier(t, key.Public()).Verify(t.Context(), signed(t, key, "GET", testInbox, "", SignOptions{Scheme: scheme}), nil, testNow)
			require.NoError(t, err)
			require.Equal(t, Capability{RFC9421: scheme == RFC9421, Ed25519: name == "ed25519"}, res.Evidence())
		}
	}
}
