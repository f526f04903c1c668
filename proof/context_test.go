package proof_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/proof"
)

func TestWithContext(t *testing.T) {
	for in, want := range map[string]string{
		`{"@context":"https://www.w3.org/ns/activitystreams","n":1.50}`: `{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/data-integrity/v1"],"n":1.50}`,
		`{"id":"x","@context":["https://a.example/c",{"t":"as:t"}]}`:    `{"id":"x","@context":["https://a.example/c","https://w3id.org/security/data-integrity/v1",{"t":"as:t"}]}`,
		`{"@context":["https://w3id.org/security/data-integrity/v2"]}`:  `{"@context":["https://w3id.org/security/data-integrity/v2"]}`,
		`{"@context":{"t":"as:t"}}`:                                     `{"@context":["https://w3id.org/security/data-integrity/v1",{"t":"as:t"}]}`,
		`{"id":"x"}`:                                                    `{"id":"x"}`,
	} {
		got, err := proof.WithContext([]byte(in))
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	_, err := proof.WithContext([]byte(`[]`))
	require.Error(t, err)
}
