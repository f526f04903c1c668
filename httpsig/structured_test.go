package httpsig

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"
	"github.com/stretchr/testify/require"
)

// checkSerialise runs one case of the working group's serialisation tests: a value in their JSON
// notation, and its text or the refusal to write it.
func checkSerialise(t *testing.T, name, kind string, expected json.RawMessage, canonical []string, mustFail bool) {
	t.Helper()
	text, err := serialise(kind, expected)
	if mustFail {
		require.Error(t, err, name)
		return
	}
	require.NoError(t, err, name)
	require.Equal(t, strings.Join(canonical, ", "), text, name)
}

func serialise(kind string, expected json.RawMessage) (string, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(expected, &parts); err != nil {
		return "", err
	}
	switch kind {
	case "item":
		return httpsfv.Marshal(itemFrom(parts))
	case "list":
		var list httpsfv.List
		for _, p := range parts {
			list = append(list, memberFrom(p))
		}
		return httpsfv.Marshal(list)
	}
	dict := httpsfv.NewDictionary()
	for _, p := range parts {
		var pair []json.RawMessage
		_ = json.Unmarshal(p, &pair)
		var key string
		_ = json.Unmarshal(pair[0], &key)
		dict.Add(key, memberFrom(pair[1]))
	}
	return httpsfv.Marshal(dict)
}

func memberFrom(raw json.RawMessage) httpsfv.Member {
	var parts []json.RawMessage
	_ = json.Unmarshal(raw, &parts)
	var inner []json.RawMessage
	if json.Unmarshal(parts[0], &inner) != nil {
		return itemFrom(parts)
	}
	list := httpsfv.InnerList{Params: paramsFrom(parts[1])}
	for _, p := range inner {
		var item []json.RawMessage
		_ = json.Unmarshal(p, &item)
		list.Items = append(list.Items, itemFrom(item))
	}
	return list
}

func itemFrom(parts []json.RawMessage) httpsfv.Item {
	return httpsfv.Item{Value: bareFrom(parts[0]), Params: paramsFrom(parts[1])}
}

func paramsFrom(raw json.RawMessage) *httpsfv.Params {
	var pairs [][]json.RawMessage
	_ = json.Unmarshal(raw, &pairs)
	params := httpsfv.NewParams()
	for _, pair := range pairs {
		var key string
		_ = json.Unmarshal(pair[0], &key)
		params.Add(key, bareFrom(pair[1]))
	}
	return params
}

func bareFrom(raw json.RawMessage) any {
	var typed struct {
		Type  string `json:"__type"`
		Value any
	}
	if json.Unmarshal(raw, &typed) == nil && typed.Type == "token" {
		return httpsfv.Token(typed.Value.(string))
	}
	var n json.Number
	if err := json.Unmarshal(raw, &n); err == nil && raw[0] != '"' {
		if i, err := n.Int64(); err == nil {
			return i
		}
		f, _ := n.Float64()
		return f
	}
	var v any
	_ = json.Unmarshal(raw, &v)
	return v
}
