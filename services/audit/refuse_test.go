package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/audit"
)

var refusal = models.Refusal{
	Action: "change.approve", Resource: "change/7", Code: models.CodeForbidden,
	Detail: "you cannot decide on a change you wrote", Route: "POST /api/v1/approvals/{changeId}/approve",
}

func TestRefusalOutlivesTheRollback(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	tests := map[string]struct {
		actor models.Actor
		home  string
	}{
		"of one tenant":   {person("ann", grant(models.RoleEngineer, "globex")), "globex"},
		"of two":          {person("bea", grant(models.RoleEngineer, "acme"), grant(models.RoleEngineer, "globex")), models.Platform},
		"of all":          {person("cid", grant(models.RoleEngineer, models.Platform)), models.Platform},
		"without a right": {person("dan"), models.Platform},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(as(t, test.actor))
			err := h.Tx(ctx, func(_ context.Context, _ *gorm.DB) error { return errUndo })
			if !errors.Is(err, errUndo) {
				t.Fatal(err)
			}
			cancel() // the caller hung up
			h.log.Refuse(ctx, refusal)
			f := filter(test.home)
			f.Actor = test.actor.ID
			page, err := h.log.List(as(t, person("root", grant(models.RolePlatformAdmin, models.Platform))), f)
			if err != nil || len(page.Items) != 1 {
				t.Fatalf("%d entries in %s, %v", len(page.Items), test.home, err)
			}
			e := page.Items[0]
			want := models.Value(`{"action":"change.approve","code":"forbidden","detail":"you cannot decide on a change you wrote",` +
				`"route":"POST /api/v1/approvals/{changeId}/approve"}`)
			if e.Action != "access.denied" || e.Resource != "change/7" || e.After != want || e.Actor != test.actor.ActorRef {
				t.Errorf("%+v", e)
			}
			checkLeaf(t, h, e)
		})
	}
}

func TestRefusalThatCannotBeWrittenIsLogged(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var out bytes.Buffer
	log := audit.New(h.DB, func() time.Time { return h.now }, slog.New(slog.NewTextHandler(&out, nil)))
	h.Admin(t, `ALTER TABLE audit_entries ADD CONSTRAINT never CHECK (false)`)
	log.Refuse(as(t, person("ann")), refusal)
	if !strings.Contains(out.String(), "change/7") || !strings.Contains(out.String(), "person:ann") {
		t.Errorf("log: %s", out.String())
	}
}

// flush runs the log until it has written its counts.
func (h *house) flush(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { h.log.Run(ctx); close(done) }()
	cancel()
	<-done
}

func TestDeniedCallsAreCounted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	read := models.Refusal{Action: "GET", Resource: "tenant/globex", Code: models.CodeForbidden, Route: "GET /api/v1/x"}
	ann := person("ann", grant(models.RoleReader, "acme"))
	key := ann
	key.ActorRef, key.KeyID = models.ActorRef{ID: "k1", Kind: models.ActorService, Name: "app"}, "k1"
	stranger := models.WithRequest(t.Context(), models.Request{ID: "r", Address: "198.51.100.9"})
	h.Admin(t, `INSERT INTO audit_heads (tenant_id) VALUES ('acme')`)
	for range 3 {
		h.log.Denied(as(t, ann), read)
		h.log.Denied(as(t, key), read)
		h.log.Denied(stranger, read)
		h.log.Refuse(stranger, read) // nobody's write is no more than a call without credential
	}
	h.now = h.now.Add(time.Minute)
	h.log.Denied(as(t, ann), read)
	h.flush(t)
	h.flush(t) // writes nothing twice
	root := as(t, person("root", grant(models.RolePlatformAdmin, models.Platform)))
	page, err := h.log.List(root, filter(""))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, e := range page.Items {
		members, _ := e.After.Members()
		got[fmt.Sprint(e.TenantID, " ", e.Action, " ", e.Resource, " ", e.Actor.ID, " ", e.Address, " ", members["count"], " ", members["minute"])] = true
		checkLeaf(t, h, e)
	}
	for _, want := range []string{
		`acme access.denied person/ann ann  3 "2026-05-04T03:02:00Z"`,
		`acme access.denied person/ann ann  1 "2026-05-04T03:03:00Z"`,
		`acme access.denied api_key/k1 k1  3 "2026-05-04T03:02:00Z"`,
		`@platform access.unauthenticated credential auth 198.51.100.9 6 "2026-05-04T03:02:00Z"`,
	} {
		if !got[want] {
			t.Errorf("missing %s in %v", want, got)
		}
	}
	if len(got) != 4 {
		t.Errorf("%d entries: %v", len(got), got)
	}
}

func TestCounterIsBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const callers, extra = 10_000, 1_500
	for i := range callers + extra {
		from := models.Request{Address: fmt.Sprintf("2001:db8::%x", i)}
		h.log.Denied(models.WithRequest(t.Context(), from), refusal)
	}
	h.flush(t)
	var entries, overflow, total int
	h.Scan(t, `SELECT count(*), count(*) FILTER (WHERE after::jsonb ? 'overflow'), sum((after::jsonb->>'count')::int) FROM audit_entries`,
		nil, &entries, &overflow, &total)
	if entries != callers+1 || overflow != 1 || total != callers+extra {
		t.Errorf("%d entries, %d of overflow, %d calls", entries, overflow, total)
	}
}

func TestCountsSurviveAFailure(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.log.Denied(models.WithRequest(t.Context(), models.Request{Address: "192.0.2.1"}), refusal)
	h.Admin(t, `ALTER TABLE audit_entries ADD CONSTRAINT never CHECK (false)`)
	h.flush(t)
	h.Admin(t, `ALTER TABLE audit_entries DROP CONSTRAINT never`)
	h.flush(t)
	var n int
	h.Scan(t, `SELECT count(*) FROM audit_entries WHERE action = 'access.unauthenticated'`, nil, &n)
	if n != 1 {
		t.Errorf("%d entries", n)
	}
}
