package audience_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/internal/sharedtest"
)

// TestWildVisibility reads what deployed servers send and compares with a plain look at the JSON.
func TestWildVisibility(t *testing.T) {
	t.Parallel()
	seen := map[audience.Visibility]int{}
	err := filepath.WalkDir(sharedtest.Dir(t, "wild"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".json" {
			return err
		}
		doc, err := os.ReadFile(path)
		require.NoError(t, err)
		var raw map[string]any
		node, decodeErr := as.Decode(doc)
		if json.Unmarshal(doc, &raw) != nil || decodeErr != nil {
			return nil
		}
		addressing := raw
		if object, ok := raw["object"].(map[string]any); ok && (raw["type"] == "Create" || raw["type"] == "Update") {
			if len(strings(object["to"]))+len(strings(object["cc"])) > 0 {
				addressing = object
			}
		}
		to, cc := strings(addressing["to"]), strings(addressing["cc"])
		if len(to)+len(cc) == 0 || addressing["audience"] != nil || addressing["bto"] != nil || addressing["bcc"] != nil {
			return nil
		}
		want := audience.VisibilityDirect
		switch {
		case slices.ContainsFunc(to, spelled):
			want = audience.VisibilityPublic
		case slices.ContainsFunc(cc, spelled):
			want = audience.VisibilityUnlisted
		}
		got := audience.OfNode(node, "")
		require.Equal(t, want, got, path)
		seen[got]++
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, seen[audience.VisibilityPublic], 100)
	require.Greater(t, seen[audience.VisibilityUnlisted], 5)
	require.Greater(t, seen[audience.VisibilityDirect], 20)
}

func spelled(s string) bool {
	return s == "https://www.w3.org/ns/activitystreams#Public" || s == "as:Public" || s == "Public"
}

func strings(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, x := range v {
			out = append(out, strings(x)...)
		}
	case map[string]any:
		return strings(v["id"])
	}
	return out
}
