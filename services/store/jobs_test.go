package store_test

import (
	"context"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/store/storetest"
)

// errand is a job that nobody works on.
type errand struct{}

// Kind names the job.
func (errand) Kind() string { return "test.errand" }

func TestJobs(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	idle, err := db.Jobs(t.Context()) // no actor: jobs are nobody's
	if err != nil || idle != (store.Jobs{}) {
		t.Fatalf("got %+v, %v", idle, err)
	}
	err = db.Tx(person(t.Context(), models.RoleEngineer, "acme"), func(ctx context.Context, tx *gorm.DB) error {
		for _, due := range []time.Duration{-3 * time.Minute, -time.Minute, 7 * 24 * time.Hour} {
			if err := store.Enqueue(ctx, tx, errand{}, time.Now().Add(due)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	db.Admin(t, `INSERT INTO river_job (kind, args, max_attempts, queue, state, attempted_at) VALUES ('test.errand', '{}', 1, 'default', 'running', now())`)
	db.Admin(t, `INSERT INTO river_job (kind, args, max_attempts, queue, state, scheduled_at, finalized_at)
		VALUES ('test.errand', '{}', 1, 'default', 'completed', now() - interval '1 hour', now())`)
	got, err := db.Jobs(t.Context())
	if err != nil || got.Waiting != 2 || got.Running != 1 || got.Oldest < 3*time.Minute || got.Oldest > 4*time.Minute {
		t.Errorf("got %+v, %v", got, err)
	}
	db.Close()
	if _, err := db.Jobs(t.Context()); err == nil {
		t.Error("a closed database answers")
	}
}
