package audit

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// The actions of calls that were turned away.
const (
	ActionDenied          = "access.denied"
	ActionUnauthenticated = "access.unauthenticated"
)

// refuseTimeout bounds how long a refusal may take to write; its answer waits for it.
const refuseTimeout = time.Second

// authActor writes what no scope of the caller's would let it write: refusals, and counts of denied reads.
const authActor = "auth"

// Refuse writes down at once that the actor of the context was refused a write, in the log of the actor's home.
// It runs in a transaction of its own, after the refused one has ended. A call without an actor is counted instead.
func (l *Log) Refuse(ctx context.Context, r models.Refusal) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		l.Denied(ctx, r)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refuseTimeout)
	defer cancel()
	if err := l.refuse(ctx, actor, r); err != nil {
		l.log.ErrorContext(ctx, "a refusal is missing in the audit log", "error", err,
			"actor", actor.String(), "action", r.Action, "resource", r.Resource, "code", r.Code)
	}
}

func (l *Log) refuse(ctx context.Context, actor models.Actor, r models.Refusal) error {
	after, err := models.Canonical(map[string]string{
		"action": r.Action, "code": string(r.Code), "detail": r.Detail, "route": r.Route,
	})
	if err != nil {
		return err
	}
	act := models.Act{Action: ActionDenied, Resource: r.Resource, After: after}
	return l.asAuth(ctx, func(tx *gorm.DB) error {
		return l.Record(ctx, tx, actor.Home(), l.now(), act)
	})
}

// asAuth runs fn in a transaction of the system actor auth.
func (l *Log) asAuth(ctx context.Context, fn func(*gorm.DB) error) error {
	return l.db.Tx(models.WithActor(ctx, models.System(authActor)), func(_ context.Context, tx *gorm.DB) error {
		return fn(tx)
	})
}
