package changes

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/store"
)

// QueueKind is one of the views of what waits for decisions.
type QueueKind string

// The queues.
const (
	QueueMine    QueueKind = "mine"    // what the actor may decide now
	QueueOthers  QueueKind = "others"  // what waits, but not for the actor
	QueueDecided QueueKind = "decided" // what the actor has decided on
)

// Queued is a change in one of the queues of an actor.
type Queued struct {
	Change   models.Change
	Why      models.Barrier   // of QueueOthers: why it is not the actor's to decide
	Decision *models.Decision // of QueueDecided: the actor's newest
}

// Queue lists the changes of one queue of the actor, newest first: by the change, of QueueDecided by the decision.
// invalid: there is no such queue.
func (s *Service) Queue(ctx context.Context, kind QueueKind, page models.Page) (models.Paged[Queued], error) {
	switch kind {
	case QueueMine:
		mine, err := s.Approvals(ctx, page)
		return models.Paged[Queued]{Items: queued(mine.Items), Next: mine.Next}, err
	case QueueOthers:
		return s.others(ctx, page)
	case QueueDecided:
		return s.decided(ctx, page)
	default:
		return models.Paged[Queued]{}, models.Invalid("/queue", "mine, others or decided")
	}
}

func queued(list []models.Change) []Queued {
	out := make([]Queued, len(list))
	for i, c := range list {
		out[i].Change = c
	}
	return out
}

// Approvals lists the changes that the actor may decide now, newest first.
func (s *Service) Approvals(ctx context.Context, page models.Page) (models.Paged[models.Change], error) {
	none := models.Paged[models.Change]{Items: []models.Change{}}
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return none, models.Unauthenticated()
	}
	w := waiting[models.Change]{
		s: s, cursor: models.NewCursor("approvals"), place: cursorKeys,
		pick: func(c models.Change, b models.Barrier) (models.Change, bool) {
			return s.shown(c), b == models.BarrierNone
		},
	}
	if actor.Kind != models.ActorPerson || len(actor.Places(models.PermDecide)) == 0 {
		_, err := w.cursor.Decode(page.Cursor, 2)
		return none, err // nothing is theirs to decide, ever
	}
	return w.list(ctx, actor, page)
}

// others lists what waits for somebody else.
func (s *Service) others(ctx context.Context, page models.Page) (models.Paged[Queued], error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return models.Paged[Queued]{}, models.Unauthenticated()
	}
	w := waiting[Queued]{
		s: s, cursor: models.NewCursor("approvals of others"),
		place: func(q Queued) []string { return cursorKeys(q.Change) },
		pick: func(c models.Change, b models.Barrier) (Queued, bool) {
			return Queued{Change: s.shown(c), Why: b}, b != models.BarrierNone
		},
	}
	return w.list(ctx, actor, page)
}

// waiting lists those waiting changes that a rule picks which Postgres does not know.
type waiting[T any] struct {
	s      *Service
	cursor models.Cursor
	place  func(T) []string
	pick   func(models.Change, models.Barrier) (T, bool)
}

// scanBatch is how many waiting changes are looked at in one go for the queue of one person.
const (
	scanBatch   = 50
	scanBatches = 40 // in one call; the cursor goes on from there
)

func (w waiting[T]) list(ctx context.Context, actor models.Actor, page models.Page) (models.Paged[T], error) {
	var none models.Paged[T]
	after, err := w.cursor.Decode(page.Cursor, 2)
	if err != nil {
		return none, err
	}
	who, err := w.s.Access.Directory(ctx)
	if err != nil {
		return none, err
	}
	var picked []T
	for n := 0; len(picked) <= page.Limit; n++ {
		if n == scanBatches {
			return models.Paged[T]{Items: append([]T{}, picked...), Next: w.cursor.Encode(after...)}, nil
		}
		batch, err := w.s.page(ctx, Filter{Status: models.ChangePending}, after, scanBatch)
		if err != nil {
			return none, err
		}
		picked = append(picked, w.of(batch, actor, who)...)
		if len(batch) < scanBatch {
			break
		}
		after = cursorKeys(batch[len(batch)-1])
	}
	return models.Cut(picked, page.Limit, w.place, w.cursor), nil
}

func (w waiting[T]) of(batch []models.Change, actor models.Actor, who *access.Directory) (out []T) {
	for _, c := range batch {
		if item, ok := w.pick(c, c.Barrier(actor, who.Identity, w.s.Now())); ok {
			out = append(out, item)
		}
	}
	return out
}

// decided lists what the actor decided on: a change once, at the place of the newest decision.
func (s *Service) decided(ctx context.Context, page models.Page) (models.Paged[Queued], error) {
	var none models.Paged[Queued]
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return none, models.Unauthenticated()
	}
	cursor := models.NewCursor("decided")
	after, err := cursor.Decode(page.Cursor, 2)
	if err != nil {
		return none, err
	}
	who, err := s.Access.Directory(ctx)
	if err != nil {
		return none, err
	}
	if actor.Kind != models.ActorPerson {
		return models.Paged[Queued]{Items: []Queued{}}, nil
	}
	var items []Queued
	err = s.DB.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		q, err := decidedBy(tx, actor, after, page.Limit+1)
		if err != nil {
			return err
		}
		items, err = s.decisionsOf(ctx, q, actor, who)
		return err
	})
	if err != nil {
		return none, err
	}
	return models.Cut(items, page.Limit, decidedKeys, cursor), nil
}

// decisionsAs are decisions under names that those of changes do not hide.
const decisionsAs = `(SELECT d.tenant_id AS layer, d.change_id, d.id AS decision, d.person_id, d.at AS decided_at FROM decisions d) AS mine`

func decidedBy(tx *gorm.DB, actor models.Actor, after []string, limit int) (*gorm.DB, error) {
	q := tx.Table(decisionsAs).Select(columns).
		Joins("JOIN changes c ON c.tenant_id = mine.layer AND c.id = mine.change_id").
		Where("mine.person_id = ?", actor.ID).
		Where(`NOT EXISTS (SELECT FROM decisions d WHERE d.tenant_id = mine.layer AND d.change_id = mine.change_id
			AND d.person_id = mine.person_id AND (d.at, d.id) > (mine.decided_at, mine.decision))`).
		Order("mine.decided_at DESC, mine.change_id DESC").Limit(limit)
	q = store.Within(q, actor.Places(models.PermViewChanges))
	if after == nil {
		return q, nil
	}
	at, err := time.Parse(time.RFC3339Nano, after[0])
	if err != nil || !models.ValidID(after[1]) {
		return nil, models.InvalidCursor()
	}
	return q.Where("(mine.decided_at, mine.change_id) < (?, ?)", at, after[1]), nil
}

func (s *Service) decisionsOf(ctx context.Context, q *gorm.DB, actor models.Actor, who *access.Directory) (out []Queued, err error) {
	list, err := load(ctx, q, who)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		out = append(out, Queued{Change: s.shown(c), Decision: newest(c.Decisions, actor.ID)})
	}
	return out, nil
}

// newest is the last decision of a person; decisions are in their order.
func newest(decisions []models.Decision, personID string) (last *models.Decision) {
	for i := range decisions {
		if decisions[i].Person.ID == personID {
			last = &decisions[i]
		}
	}
	return last
}

func decidedKeys(q Queued) []string {
	return []string{q.Decision.At.Format(time.RFC3339Nano), q.Change.ID}
}
