package snapshots_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// writeUntil overwrites acme's value and moves its head in one transaction each, and notes which token bore
// which value.
func writeUntil(ctx context.Context, conn *pgx.Conn, stop *atomic.Bool, mu *sync.Mutex, pairs map[string]string) error {
	// The value of a version never changes but here.
	if _, err := conn.Exec(ctx, `SET session_replication_role = replica`); err != nil {
		return err
	}
	for i := 1; !stop.Load(); i++ {
		value := strconv.Itoa(i)
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE config_versions SET value = $1 WHERE tenant_id = 'acme'`, value); err != nil {
			return err
		}
		var token string
		err = tx.QueryRow(ctx, `UPDATE heads SET revision = revision + 1, token = gen_random_uuid()
			WHERE tenant_id = 'acme' AND environment = 'Production' RETURNING token::text`).Scan(&token)
		if err != nil {
			return err
		}
		mu.Lock()
		pairs[token] = value
		mu.Unlock()
		if err := tx.Commit(ctx); err != nil {
			return err
		}
	}
	return nil
}
