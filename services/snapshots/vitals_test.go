package snapshots_test

import (
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
)

// A read is a hit when its snapshot was there before it began.
func TestNotedReads(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.set(t, "acme", production, "limit", `1`)
	for range 3 {
		began := time.Now()
		n.Noted(n.read(t, "acme", production, false), began)
	}
	hang := n.db.Connect(t, n.db.AdminURL)
	if _, err := hang.Exec(t.Context(), `BEGIN; LOCK TABLE configs IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	n.Hear([]models.Head{{TenantID: "acme", Environment: production, Revision: 99, Token: "new"}})
	began := time.Now()
	n.Noted(n.read(t, "acme", production, false), began) // stale: served from memory, but no hit
	for end := time.Now().Unix(); time.Now().Unix() == end; {
		time.Sleep(10 * time.Millisecond)
	}
	var reads, hits int
	for _, s := range n.Vitals() {
		reads, hits = reads+s.Reads, hits+s.Hits
	}
	if reads != 4 || hits != 2 {
		t.Errorf("%d reads, %d hits", reads, hits)
	}
}
