package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"gorm.io/gorm"
)

// jobWorkers is how many jobs one node works on at a time.
const jobWorkers = 4

// Enqueue adds a job that exists when, and only when, this transaction commits. It runs at the given
// time or later. Arguments hold ids, never values.
func Enqueue(ctx context.Context, tx *gorm.DB, args river.JobArgs, at time.Time) error {
	inner, ok := tx.Statement.ConnPool.(*sql.Tx)
	if !ok {
		return errors.New("store: jobs are enqueued inside a transaction")
	}
	client, err := river.NewClient(riverdatabasesql.New(nil), &river.Config{})
	if err != nil {
		return fmt.Errorf("job client: %w", err)
	}
	if _, err := client.InsertTx(ctx, inner, args, &river.InsertOpts{ScheduledAt: at}); err != nil {
		return fmt.Errorf("enqueue %s: %w", args.Kind(), err)
	}
	return nil
}

// Work starts the workers and returns what stops them gracefully.
func (db *DB) Work(ctx context.Context, workers *river.Workers) (func(context.Context) error, error) {
	client, err := river.NewClient(riverpgxv5.New(db.pool), &river.Config{
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: jobWorkers}},
		Workers: workers,
		Logger:  db.log,
	})
	if err != nil {
		return nil, fmt.Errorf("job client: %w", err)
	}
	if err := client.Start(ctx); err != nil {
		return nil, fmt.Errorf("start jobs: %w", err)
	}
	return client.Stop, nil
}
