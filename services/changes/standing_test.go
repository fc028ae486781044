package changes_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
)

func TestStanding(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	waits := h.set("author", "acme", "Production", "k", `"new"`).Change
	stand := func(who string) changes.Standing {
		t.Helper()
		got, err := h.Standing(h.as(who), waits.ID)
		h.must(err)
		return got
	}
	if got := stand("viewer"); got.Problem != nil || len(got.Moved) > 0 {
		t.Errorf("nothing happened, and yet: %+v", got)
	}

	rival := h.set("author", "acme", "Production", "k", `"other"`).Change
	for _, who := range []string{"engineer", "manager", "compliance"} {
		_, err := h.approve(who, rival)
		h.must(err)
	}
	want := changes.Standing{
		Types: map[string]models.ValueType{"k": models.TypeString},
		Moved: map[string]changes.Moved{"k": {Version: 1, Value: `"other"`}},
	}
	if diff := cmp.Diff(want, stand("viewer")); diff != "" {
		t.Error(diff)
	}
	h.d.Admin(t, `UPDATE definitions SET sensitive = true WHERE tenant_id = 'acme' AND key = 'k'`)
	want.Moved["k"] = changes.Moved{Version: 1, Value: models.Masked}
	if diff := cmp.Diff(want, stand("viewer")); diff != "" {
		t.Error(diff)
	}

	var err error
	waits, err = h.Rebase(h.as("author"), waits.ID, "")
	h.must(err)
	if got := stand("author"); got.Problem != nil || len(got.Moved) > 0 {
		t.Errorf("it was written anew, and yet: %+v", got)
	}
	h.d.Admin(t, `UPDATE definitions SET type = 'number' WHERE tenant_id = 'acme' AND key = 'k'`)
	h.want(stand("author").Problem, models.CodeConflict)

	_, err = h.Standing(h.as("outsider"), waits.ID)
	h.want(err, models.CodeNotFound)
	_, err = h.Standing(h.as("author"), "no id")
	h.want(err, models.CodeNotFound)
	_, err = h.Standing(t.Context(), waits.ID)
	h.want(err, models.CodeUnauthenticated)
}

func TestStandingOfALayer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.set("author", "@tier.free", "QA", "k", "1")
	c := h.set("author", "@platform", "Production", "k", "2").Change
	if got, err := h.Standing(h.as("manager"), c.ID); err != nil || got.Problem != nil || len(got.Moved) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
