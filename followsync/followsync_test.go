package followsync_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/followsync"
)

func Example() {
	ids := []as.IRI{"https://testing.example.org/users/1", "https://testing.example.org/users/2"}
	fmt.Println(followsync.Header{
		CollectionID: "https://example.org/users/1/followers",
		URL:          "https://example.org/users/1/followers_synchronization",
		Digest:       followsync.Of(slices.Values(ids)),
	})
	// Output: collectionId="https://example.org/users/1/followers", digest="c33f48cd341ef046a206b8a72ec97af65079f9a3a9b90eef79c5920dce45c61f", url="https://example.org/users/1/followers_synchronization"
}

// vector is the example of FEP-8fcf.
const vector = "c33f48cd341ef046a206b8a72ec97af65079f9a3a9b90eef79c5920dce45c61f"

var zeros = strings.Repeat("0", 64)

// TestI81_DigestVectors: the examples of FEP-8fcf, each id alone and both together.
func TestI81_DigestVectors(t *testing.T) {
	one := followsync.Digest{}.Toggle("https://testing.example.org/users/1")
	two := followsync.Digest{}.Toggle("https://testing.example.org/users/2")
	require.Equal(t, "3a06e99569547f444c352ab7f52e4bab207abec5ca6f07b0045cfdc9723f8fa9", one.String())
	require.Equal(t, "f939a1585d4a8f02ee339210dbe7315d7003476663d6095f7d996fc4bc7a49b6", two.String())
	require.Equal(t, vector, one.Toggle("https://testing.example.org/users/2").String())
	require.Equal(t, zeros, followsync.Of(slices.Values([]as.IRI(nil))).String())
	read, err := followsync.ParseDigest(strings.ToUpper(vector))
	require.NoError(t, err)
	require.Equal(t, one.Toggle("https://testing.example.org/users/2"), read)
	for _, bad := range []string{"", vector[1:], vector + "0", strings.Repeat("g", 64), " " + vector[1:]} {
		_, err := followsync.ParseDigest(bad)
		require.Error(t, err, bad)
	}
}

// TestI81_DigestOfASet: order does not matter, adding and removing cancel out, and sets that differ by one
// member have different digests.
func TestI81_DigestOfASet(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 0xfc))
	for range 200 {
		ids := make([]as.IRI, random.IntN(40))
		for i := range ids {
			ids[i] = as.IRI(fmt.Sprintf("https://a%d.example/users/%x", i, random.Uint64()))
		}
		whole := followsync.Of(slices.Values(ids))
		shuffled := slices.Clone(ids)
		random.Shuffle(len(ids), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		require.Equal(t, whole, followsync.Of(slices.Values(shuffled)))

		stranger := as.IRI(fmt.Sprintf("https://b.example/users/%x", random.Uint64()))
		require.NotEqual(t, whole, whole.Toggle(stranger))
		require.Equal(t, whole, whole.Toggle(stranger).Toggle(stranger))

		cut := random.IntN(len(ids) + 1)
		part := followsync.Of(slices.Values(ids[:cut]))
		for _, id := range ids[cut:] {
			part = part.Toggle(id)
		}
		require.Equal(t, whole, part, "built up step by step")
		for _, id := range shuffled {
			part = part.Toggle(id)
		}
		require.Equal(t, followsync.Digest{}, part, "and taken down in another order")
		again, err := followsync.ParseDigest(whole.String())
		require.NoError(t, err)
		require.Equal(t, whole, again)
	}
}

// TestI81_HeaderForms: the example of FEP-8fcf, and the order that Mastodon writes.
func TestI81_HeaderForms(t *testing.T) {
	fep := `collectionId="https://example.org/users/1/followers", url="https://example.org/users/1/followers_synchronization", digest="` + vector + `"`
	h, err := followsync.ParseHeader(fep)
	require.NoError(t, err)
	require.Equal(t, as.IRI("https://example.org/users/1/followers"), h.CollectionID)
	require.Equal(t, as.IRI("https://example.org/users/1/followers_synchronization"), h.URL)
	require.Equal(t, vector, h.Digest.String())
	mastodon := `collectionId="https://example.org/users/1/followers", digest="` + vector + `", url="https://example.org/users/1/followers_synchronization"`
	require.Equal(t, mastodon, h.String())
	again, err := followsync.ParseHeader(h.String())
	require.NoError(t, err)
	require.Equal(t, h, again)
	_, err = followsync.ParseHeader(strings.ReplaceAll(fep, ", ", ",") + ` , more="x,y=z"`)
	require.NoError(t, err)

	for _, bad := range []string{
		"", "x", fep + ",", fep + " " + fep, fep + "," + fep, strings.Replace(fep, ",", "", 1), fep[:len(fep)-1],
		strings.Replace(fep, vector, vector[2:], 1), strings.Replace(fep, "url=", "uri=", 1), strings.Replace(fep, "https", "urn", 1),
		`collectionId=https://example.org/f, url="https://example.org/x", digest="` + vector + `"`,
		strings.Replace(fep, "followers_", `a\"b`, 1), fep + strings.Repeat(" ", followsync.MaxHeader),
	} {
		_, err := followsync.ParseHeader(bad)
		require.ErrorIs(t, err, followsync.ErrHeader, bad)
	}
}

// TestI81_WhatAHeaderMayBeAbout: the sender's followers, at the sender's origin, and nothing else.
func TestI81_WhatAHeaderMayBeAbout(t *testing.T) {
	h := followsync.Header{CollectionID: "https://a.example/u/1/followers", URL: "https://a.example/u/1/sync"}
	const actor = "https://a.example/u/1"
	require.NoError(t, h.Check(actor, h.CollectionID))
	require.Error(t, h.Check(actor, ""))
	require.Error(t, h.Check(actor, "https://a.example/u/2/followers"))
	require.Error(t, h.Check("https://b.example/u/1", h.CollectionID))
	for _, foreign := range []as.IRI{"https://b.example/u/1/sync", "http://a.example/u/1/sync", "https://a.example:8443/x", "https://a.example.b.example/"} {
		h.URL = foreign
		require.Error(t, h.Check(actor, h.CollectionID), foreign)
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add(`collectionId="https://example.org/f", url="https://example.org/s", digest="` + vector + `"`)
	f.Add(`a="b",`)
	f.Fuzz(func(t *testing.T, s string) {
		h, err := followsync.ParseHeader(s)
		if err != nil {
			return
		}
		again, err := followsync.ParseHeader(h.String())
		require.NoError(t, err)
		require.Equal(t, h, again)
	})
}
