package postgres

import (
	"context"

	"github.com/gokith/kith/internal/sqlstore"
	"github.com/gokith/kith/storage"
)

var (
	_ storage.ManyClaims = (*Store)(nil)
	_ storage.ManyClaims = (*transaction)(nil)
)

// ClaimMany implements storage.ManyClaims: package inbox stores messages that come together in one
// transaction, since here a transaction of its own costs a message more than all the rest.
func (s *Store) ClaimMany(ctx context.Context, rows ...storage.Receipt) ([]string, error) {
	return sqlstore.ManyClaims{Roles: s.Roles}.ClaimMany(ctx, rows...)
}

// ClaimMany implements storage.ManyClaims.
func (t *transaction) ClaimMany(ctx context.Context, rows ...storage.Receipt) ([]string, error) {
	if t.pgx != nil {
		return sqlstore.ManyClaims{Roles: t.Roles}.ClaimMany(ctx, rows...)
	}
	// Drivers of database/sql do not agree on lists.
	return storage.ClaimMany(ctx, t.Roles, rows...)
}
