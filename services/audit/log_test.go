package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

var errUndo = errors.New("undo")

func (h *house) record(ctx context.Context, tenant string, acts ...models.Act) error {
	return h.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		return h.log.Record(ctx, tx, tenant, h.now, acts...)
	})
}

func TestRecordKeepsWhatTheLeafSays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann := as(t, person("ann", grant(models.RoleTenantAdmin, "acme")))
	acts := []models.Act{
		{Action: "config.set", Resource: "config/1", Before: `"<a>\u0001 &"`, After: `{"a":9007199254740993,"ü":"😀"}`},
		{Action: "config.delete", Resource: "config/2", Before: `null`},
		{Action: "change.submit", Resource: "change/3"},
	}
	if err := h.record(ann, "acme", acts...); err != nil {
		t.Fatal(err)
	}
	page, err := h.log.List(ann, filter("acme"))
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Items) != len(acts) {
		t.Fatalf("%d entries, want %d", len(page.Items), len(acts))
	}
	for i, e := range page.Items {
		want := acts[len(acts)-1-i] // newest first
		got := models.Act{Action: e.Action, Resource: e.Resource, Before: e.Before, After: e.After}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if e.Number != int64(len(acts)-1-i) || e.Actor.ID != "ann" || e.Address != "192.0.2.7" || e.RequestID != "req-ann" {
			t.Errorf("entry %+v", e)
		}
		if !e.At.Equal(h.now.Truncate(time.Microsecond)) {
			t.Errorf("at %v", e.At)
		}
		checkLeaf(t, h, e)
	}
}

// checkLeaf computes commitment and leaf again from what the database holds.
func checkLeaf(t *testing.T, h *house, e models.Entry) {
	t.Helper()
	var salt []byte
	h.Scan(t, `SELECT salt FROM audit_subjects WHERE tenant_id = $1 AND ref = $2`, []any{e.TenantID, e.SubjectRef}, &salt)
	commitment, err := models.Commit(e.Actor, e.Address, salt)
	if err != nil || commitment != e.Commitment || len(salt) != 32 {
		t.Errorf("commitment %q, want %q (salt of %d bytes, %v)", e.Commitment, commitment, len(salt), err)
	}
	leaf, err := e.Leaf()
	if err != nil || !bytes.Equal(leaf, e.LeafHash) {
		t.Errorf("leaf %x, want %x (%v)", e.LeafHash, leaf, err)
	}
}

func TestNumbersHaveNoGap(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann := as(t, person("ann", grant(models.RoleTenantAdmin, "acme"), grant(models.RoleTenantAdmin, "globex")))
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			tenant := []string{"acme", "globex"}[i%2]
			err := patiently(func() error {
				return h.Tx(ann, func(ctx context.Context, tx *gorm.DB) error {
					act := models.Act{Action: "config.set", Resource: fmt.Sprintf("config/%d", i)}
					if err := h.log.Record(ctx, tx, tenant, h.now, act, act); err != nil {
						return err
					}
					if i%5 == 0 {
						return errUndo
					}
					return nil
				})
			})
			if (i%5 == 0) != errors.Is(err, errUndo) || i%5 != 0 && err != nil {
				t.Errorf("recorder %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	for _, tenant := range []string{"acme", "globex"} {
		var entries, numbers, highest, size, subjects int64
		h.Scan(t, `SELECT count(*), count(DISTINCT number), max(number) FROM audit_entries WHERE tenant_id = $1`,
			[]any{tenant}, &entries, &numbers, &highest)
		h.Scan(t, `SELECT size, (SELECT count(*) FROM audit_subjects WHERE tenant_id = $1) FROM audit_heads WHERE tenant_id = $1`,
			[]any{tenant}, &size, &subjects)
		if entries != 40 || numbers != 40 || highest != 39 || size != 40 || subjects != 20 {
			t.Errorf("%s: %d entries, %d numbers to %d, size %d, %d subjects", tenant, entries, numbers, highest, size, subjects)
		}
	}
}

// patiently tries again while the database sheds load: a busy machine is no failure of the log.
func patiently(try func() error) error {
	var known *models.Error
	for {
		err := try()
		if !errors.As(err, &known) || known.Code != models.CodeUnavailable {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestRecordStaysInScope(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	act := models.Act{Action: "config.set", Resource: "config/1"}
	ann := as(t, person("ann", grant(models.RoleTenantAdmin, "acme")))
	if err := h.record(ann, "globex", act); err == nil {
		t.Error("an actor of acme wrote globex's log")
	}
	if err := h.record(ann, models.Platform, act); err == nil {
		t.Error("an actor of acme wrote the platform's log")
	}
	if err := h.record(ann, "acme"); err != nil {
		t.Errorf("nothing to record: %v", err)
	}
	var n int
	h.Scan(t, `SELECT count(*) FROM audit_entries`, nil, &n)
	if n != 0 {
		t.Errorf("%d entries", n)
	}
}

func TestNobodyRecords(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann := as(t, person("ann", grant(models.RoleTenantAdmin, "acme")))
	nobody := t.Context()
	err := h.Tx(ann, func(_ context.Context, tx *gorm.DB) error {
		return h.log.Record(nobody, tx, "acme", h.now, models.Act{Action: "a.b", Resource: "a/b"})
	})
	wantCode(t, err, models.CodeUnauthenticated)
}

func TestAppendOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann := as(t, person("ann", grant(models.RoleTenantAdmin, "acme")))
	if err := h.record(ann, "acme", models.Act{Action: "config.set", Resource: "config/1"}); err != nil {
		t.Fatal(err)
	}
	app := h.Connect(t, h.URL)
	for _, table := range []string{"audit_entries", "audit_subjects"} {
		for _, statement := range []string{"UPDATE %s SET tenant_id = tenant_id", "DELETE FROM %s", "TRUNCATE %s"} {
			_, err := app.Exec(t.Context(), fmt.Sprintf(statement, table))
			if err == nil || !strings.Contains(err.Error(), "permission denied") {
				t.Errorf(statement+": %v", table, err)
			}
		}
	}
}

func wantCode(t *testing.T, err error, want models.Code) {
	t.Helper()
	var known *models.Error
	switch {
	case want == "" && err != nil:
		t.Errorf("failed: %v", err)
	case want != "" && (!errors.As(err, &known) || known.Code != want):
		t.Errorf("%v, want %s", err, want)
	}
}
