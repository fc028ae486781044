package changes_test

import (
	"context"
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
)

func TestMayRollBackErrors(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.peers()
	config, _ := h.versions("k", `"one"`, `"two"`)
	for name, tt := range map[string]struct {
		by   context.Context
		id   string
		to   int64
		want models.Code
	}{
		"other tenant":     {h.as("outsider"), config, 1, models.CodeNotFound},
		"nobody":           {t.Context(), config, 1, models.CodeUnauthenticated},
		"viewer":           {h.as("viewer"), config, 1, models.CodeForbidden},
		"unknown":          {h.as("author"), "00000000-0000-4000-8000-000000000000", 1, models.CodeNotFound},
		"the live version": {h.as("author"), config, 2, models.CodeInvalid},
		"no such version":  {h.as("author"), config, 9, models.CodeInvalid},
	} {
		lane, err := h.MayRollBack(tt.by, tt.id, tt.to)
		if codeOf(err) != tt.want || lane {
			t.Errorf("%s: %t %v, want %q", name, lane, err, tt.want)
		}
	}
}

// Who saw another version live than is live by now does not roll back over it.
func TestRollbackOfWhatWasSeen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.peers()
	config, _ := h.versions("k", `"one"`, `"two"`, `"three"`)
	seen := int64(2)
	_, err := h.Rollback(h.as("author"), changes.Rollback{ConfigID: config, ToVersion: 1, Live: &seen})
	h.want(err, models.CodeConflict)
	h.reads("acme", "QA", "k", `"three"`)
}

func TestBefore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.peers()
	h.versions("k", `{"a":1}`)
	h.pass(h.waits("author", "acme", "QA", define("k", models.Defines{Description: "first", Merge: models.MergeDeep})))
	c := h.pass(h.waits("author", "acme", "QA", define("k", models.Defines{Description: "second"})))
	before, err := h.Before(h.as("viewer"), c)
	h.must(err)
	if d := before["k"]; d.Description != "first" || d.Merge != models.MergeDeep || d.Version != 2 || d.TenantID != "acme" {
		t.Errorf("%+v", before)
	}
	fresh := h.waits("author", "acme", "QA", set("k2", `1`))
	if before, err = h.Before(h.as("viewer"), fresh); err != nil || len(before) != 0 {
		t.Errorf("%v %v", before, err)
	}
	for want, by := range map[models.Code]context.Context{models.CodeNotFound: h.as("outsider"), models.CodeUnauthenticated: t.Context()} {
		_, err := h.Before(by, c)
		h.want(err, want)
	}
}
