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

// startEvery is how often jobs that could not start try again.
const startEvery = time.Second

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

// Work starts the workers and returns what stops them gracefully. While the database of a lazy DB was not reached yet,
// they start as soon as it is.
func (db *DB) Work(ctx context.Context, workers *river.Workers) (stop func(context.Context) error, err error) {
	forgetting, err := db.forgetting(workers)
	if err != nil {
		return nil, err
	}
	begin := func(ctx context.Context) (func(context.Context) error, error) {
		return db.startJobs(ctx, &river.Config{
			Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: jobWorkers}},
			Workers: workers,
			Logger:  db.log,

			Middleware:   db.around,
			PeriodicJobs: []*river.PeriodicJob{forgetting},
		})
	}
	if db.Reached() {
		return begin(ctx)
	}
	return db.startLater(ctx, begin), nil
}

// startJobs makes a client anew: one that failed to start is of no further use.
func (db *DB) startJobs(ctx context.Context, config *river.Config) (func(context.Context) error, error) {
	client, err := river.NewClient(riverpgxv5.New(db.pool), config)
	if err != nil {
		return nil, fmt.Errorf("job client: %w", err)
	}
	if err := client.Start(ctx); err != nil {
		return nil, fmt.Errorf("start jobs: %w", err)
	}
	return client.Stop, nil
}

// startLater tries to begin until it succeeds. What it returns ends that, or what was begun.
func (db *DB) startLater(ctx context.Context, begin func(context.Context) (func(context.Context) error, error)) func(context.Context) error {
	trying, giveUp := context.WithCancel(ctx)
	begun := make(chan func(context.Context) error, 1)
	go func() {
		defer close(begun)
		for {
			if db.Reached() { // it is not for jobs to find out
				stop, err := begin(ctx)
				if err == nil {
					begun <- stop
					return
				}
				db.log.WarnContext(ctx, "jobs do not start yet", "error", err)
			}
			select {
			case <-trying.Done():
				return
			case <-time.After(startEvery):
			}
		}
	}()
	return func(ctx context.Context) error {
		giveUp()
		if stop, ok := <-begun; ok {
			return stop(ctx)
		}
		return nil
	}
}

// Jobs is how the queue of jobs stands, over all nodes.
type Jobs struct {
	Waiting int           // due and not begun
	Oldest  time.Duration // how long the one that has waited longest has been due
	Running int
}

// jobsSQL reads by River's index of states. What is due stays scheduled until River's next look.
const jobsSQL = `
	SELECT count(*) FILTER (WHERE state <> 'running'), count(*) FILTER (WHERE state = 'running'),
	       coalesce(extract(epoch FROM now() - min(scheduled_at) FILTER (WHERE state <> 'running')), 0)::float8
	FROM river_job WHERE state IN ('available', 'retryable', 'scheduled', 'running') AND (scheduled_at <= now() OR state = 'running')`

// Jobs tells how many jobs wait and work. They belong to no tenant, so it needs no actor.
func (db *DB) Jobs(ctx context.Context) (jobs Jobs, err error) {
	var seconds float64
	err = db.connected(ctx, func() error {
		return db.pool.QueryRow(ctx, jobsSQL).Scan(&jobs.Waiting, &jobs.Running, &seconds)
	})
	jobs.Oldest = time.Duration(seconds * float64(time.Second))
	return jobs, err
}
