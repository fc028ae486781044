package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/hotswap/hotswap/models"
)

// Statement is SQL by hand with named arguments (@name) that travels with others in one round trip.
type Statement struct {
	SQL  string
	Args map[string]any
	Into []any  // destinations of the one row it returns; nil: it returns none
	Rows int64  // without Into: how many rows it must write
	Then func() // runs when all statements of the round trip have succeeded
}

// Send runs statements one after the other in the transaction of the context, in one round trip.
// It ends at the first that fails.
func Send(ctx context.Context, statements ...Statement) error {
	state, ok := ctx.Value(txKey{}).(*txState)
	if !ok {
		return errors.New("store: statements are sent inside a transaction")
	}
	var batch pgx.Batch
	for _, s := range statements {
		if err := state.named.queue(ctx, &batch, s); err != nil {
			return err
		}
	}
	err := state.conn.Raw(func(driver any) error {
		conn, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("store: the driver is %T", driver)
		}
		return receive(conn.Conn().SendBatch(ctx, &batch), statements)
	})
	if err != nil {
		return err
	}
	for _, s := range statements {
		if s.Then != nil {
			s.Then()
		}
	}
	return nil
}

// Look runs one reading statement in a transaction of its own that sees all that the actor of the context sees,
// in one round trip. not_found: it returned no row.
func (db *DB) Look(ctx context.Context, s Statement) error {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return models.Unauthenticated()
	}
	if ctx.Value(txKey{}) != nil {
		return errNested
	}
	scope := enter(db.whole(actor), nil)
	var batch pgx.Batch // without a begin, what travels together is one transaction
	for _, s := range []Statement{scope, s} {
		if err := db.named.queue(ctx, &batch, s); err != nil {
			return err
		}
	}
	return db.connected(ctx, func() error {
		return receive(db.pool.SendBatch(ctx, &batch), []Statement{scope, s})
	})
}

func receive(results pgx.BatchResults, statements []Statement) (err error) {
	defer func() { err = errors.Join(err, results.Close()) }()
	for _, s := range statements {
		if s.Into != nil {
			if err := results.QueryRow().Scan(s.Into...); err != nil {
				return err
			}
			continue
		}
		tag, err := results.Exec()
		if err != nil {
			return err
		}
		if tag.RowsAffected() != s.Rows {
			return fmt.Errorf("store: %d rows were written, not %d", tag.RowsAffected(), s.Rows)
		}
	}
	return nil
}
