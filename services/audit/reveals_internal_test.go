package audit

import (
	"strconv"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
)

func TestRevealsAreBounded(t *testing.T) {
	t.Parallel()
	var r reveals
	hour := time.Date(2026, 5, 4, 3, 0, 0, 0, time.UTC)
	for range 2 { // the second time the first ones are known, and the others still have no place of their own
		for i := range maxReveals + 10 {
			r.add(revealing{tenantID: strconv.Itoa(i), hour: hour}, 1)
		}
	}
	if len(r.counts) != maxReveals+1 {
		t.Errorf("%d counts", len(r.counts))
	}
	left := r.take(hour.Add(time.Minute))
	for tenantID, want := range map[string]int64{"0": 2, strconv.Itoa(maxReveals - 1): 2, models.Platform: 20} {
		if all := left[tenantID]; len(all) != 1 || all[0].count != want || all[0].overflow != (tenantID == models.Platform) {
			t.Errorf("%s: %+v", tenantID, all)
		}
	}
	if len(r.take(hour.Add(time.Hour))) != 0 {
		t.Error("taken twice")
	}
}
