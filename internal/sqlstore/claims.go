package sqlstore

import (
	"context"
	"strconv"

	"github.com/gokith/kith/storage"
)

const receiptValues = `identity, activity, actor, scope, signer, key_id, proven, body, normalized, budget, received, next`

// ManyClaims are roles with the power of storage.ManyClaims, for databases that take a list of values as
// one parameter.
type ManyClaims struct{ Roles }

var _ storage.ManyClaims = ManyClaims{}

// ClaimMany implements storage.ManyClaims with one statement.
func (s ManyClaims) ClaimMany(ctx context.Context, rows ...storage.Receipt) (ids []string, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	err = s.engine.Write(ctx, func(c Conn) error {
		ids = make([]string, len(rows))
		return claimAll(ctx, c, rows, ids)
	})
	return ids, err
}

// claimAll inserts all rows with one statement.
func claimAll(ctx context.Context, c Conn, rows []storage.Receipt, ids []string) error {
	n := len(rows)
	var texts [6][]string
	for i := range texts {
		texts[i] = make([]string, n)
	}
	names, bodies, normalized := make([][]byte, n), make([][]byte, n), make([][]byte, n)
	budgets, received, next := make([]int64, n), make([]int64, n), make([]int64, n)
	place := make(map[string]int, n)
	for i, r := range rows {
		for j, text := range []string{string(r.Activity), string(r.Actor), r.Scope, string(r.Signer), string(r.KeyID), string(r.Proven)} {
			texts[j][i] = text
		}
		names[i] = identity(string(r.Activity), string(r.Actor), r.Scope)
		place[string(names[i])] = i
		bodies[i], normalized[i] = r.Body, r.Normalized
		budgets[i], received[i], next[i] = int64(r.Budget), micros(orNow(r.Received)), micros(r.Next)
	}
	type claimed struct {
		name []byte
		id   int64
	}
	made, err := all(ctx, c, func(r row) (m claimed, err error) { return m, r.Scan(&m.name, &m.id) },
		`INSERT INTO kith_receipts (`+receiptValues+`, state, attempts, reason, finished)
		SELECT `+receiptValues+`, 'pending', 0, '', 0 FROM unnest(?::bytea[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[],
			?::bytea[], ?::bytea[], ?::bigint[], ?::bigint[], ?::bigint[]) AS claims (`+receiptValues+`)
		ON CONFLICT (identity) DO NOTHING RETURNING identity, id`,
		names, texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], bodies, normalized, budgets, received, next)
	if err != nil {
		return err
	}
	for _, m := range made {
		ids[place[string(m.name)]] = strconv.FormatInt(m.id, 10)
	}
	return nil
}
