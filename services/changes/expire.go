package changes

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// Expire is the job that ends a change nobody decided in time.
type Expire struct {
	TenantID string `json:"tenantId"`
	ChangeID string `json:"changeId"`
}

// Kind names the job.
func (Expire) Kind() string { return "change_expire" }

// Expirer works on Expire jobs.
type Expirer struct {
	river.WorkerDefaults[Expire]
	Changes *Service
}

// Work ends the change if it still waits past its time. An edit gave it another time and another job.
func (e *Expirer) Work(ctx context.Context, job *river.Job[Expire]) error {
	return e.Expire(ctx, job.Args)
}

// Expire does the job's work as the system actor job:<change>.
func (e *Expirer) Expire(ctx context.Context, args Expire) error {
	return e.Changes.expire(models.WithActor(ctx, models.System("job:"+args.ChangeID)), args)
}

// Timeout bounds one try.
func (*Expirer) Timeout(*river.Job[Expire]) time.Duration { return 30 * time.Second }

func (s *Service) expire(ctx context.Context, job Expire) error {
	err := s.write(ctx, job.TenantID, "", nil, func(ctx context.Context, tx *gorm.DB, at place) error {
		r, err := s.revision(ctx, tx, at, models.Change{TenantID: job.TenantID, ID: job.ChangeID})
		if err != nil {
			return err
		}
		if was := r.c.Status; was == models.ChangeExpired || r.c.Lapse(r.f.At) == was {
			return nil // decided, edited or ended meanwhile
		}
		return r.save(models.Act{Action: "change.expire", Resource: resource(r.c), After: summary(r.c)})
	})
	var gone *models.Error
	if errors.As(err, &gone) && gone.Code == models.CodeNotFound {
		return nil // the tenant is deleted; its changes went with it
	}
	return err
}
