//go:build unix

package crash

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/sharedtest"
)

// postgresPlace makes a database for one test, or skips.
func postgresPlace(t *testing.T) place {
	t.Helper()
	dsn := os.Getenv("KITH_TEST_POSTGRES")
	if dsn == "" {
		dsn = "postgres://postgres@127.0.0.1:5432/test?sslmode=disable"
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	admin, err := pgx.Connect(ctx, dsn)
	sharedtest.Require(t, "postgres", err == nil, fmt.Sprintf("no server at KITH_TEST_POSTGRES (%v); start one with: "+
		"docker run --rm -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust -e POSTGRES_DB=test postgres:17", err))
	name := "kith_crash_" + strings.ToLower(rand.Text())
	_, err = admin.Exec(ctx, "CREATE DATABASE "+name)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx := context.Background()
		_, err := admin.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
		if err := admin.Close(ctx); err != nil {
			t.Errorf("closing: %v", err)
		}
		if err != nil {
			t.Errorf("dropping: %v", err)
		}
	})
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	u.Path = "/" + name
	return place{Postgres: u.String()}
}
