// Package audit is the append-only record of who did what: entries written in the transaction of what they
// tell about, refusals written after it, and denied reads counted by the minute.
package audit

import (
	"context"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// Log writes and reads the audit log of all tenants.
type Log struct {
	db      *store.DB
	now     func() time.Time
	log     *slog.Logger
	counts  counts
	reveals reveals
}

// New makes a log. What could not be written outside a caller's transaction is told to the logger.
func New(db *store.DB, now func() time.Time, log *slog.Logger) *Log {
	return &Log{db: db, now: now, log: log}
}

// Record adds what the actor of the context did to the tenant's log, in the transaction that did it.
// Call it last: it takes the lock of the tenant's log. The actor recorded may be another than the one whose
// scope the transaction has, as at a login.
func (l *Log) Record(ctx context.Context, tx *gorm.DB, tenantID string, at time.Time, acts ...models.Act) error {
	if len(acts) == 0 {
		return nil
	}
	b, err := batchOf(ctx, tenantID, at, acts)
	if err != nil {
		return err
	}
	return b.write(tx)
}

// Statement is Record for a tenant or layer whose log is begun, as the last statement of a round trip.
func (l *Log) Statement(ctx context.Context, tenantID string, at time.Time, acts ...models.Act) (store.Statement, error) {
	b, err := batchOf(ctx, tenantID, at, acts)
	if err != nil {
		return store.Statement{}, err
	}
	args, err := b.args()
	return store.Statement{SQL: insertSQL, Args: args, Rows: int64(len(b.entries))}, err
}

// batchOf is what the actor of the context did.
func batchOf(ctx context.Context, tenantID string, at time.Time, acts []models.Act) (*batch, error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return nil, models.Unauthenticated()
	}
	request := models.RequestFrom(ctx)
	if len(acts) > 0 {
		if err := store.Did(ctx, tenantID, acts[0].Resource); err != nil {
			return nil, err
		}
	}
	b := newBatch(tenantID, at)
	who, err := b.subject(actor.ActorRef, request.Address)
	if err != nil {
		return nil, err
	}
	for _, act := range acts {
		if err := b.entry(who, act, request.ID); err != nil {
			return nil, err
		}
	}
	return b, nil
}
