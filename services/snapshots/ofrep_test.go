package snapshots_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
)

// Units share the stream of those who hold flags: all are told when some may have changed sides.
func TestHoldersOfFlagsAreReminded(t *testing.T) {
	t.Parallel()
	n := listening(t, newRollouts(t))
	e := &ear{}
	n.watch(t, snapshots.Topic{TenantID: "acme", Environment: production, Telling: snapshots.TellRefetch}, "", e)
	n.Advance(canary, models.Progress{Threshold: models.Buckets})
	soon(t, "the event", func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return len(e.ids) == 2 && e.failed == nil
	})
	if snap := n.seen(t, "acme", "unit"); !snap.Split() {
		t.Error("nothing is split")
	}
}

// Flags tell what a deployment on its way decided, on their own and all at once.
func TestFlagsOfSides(t *testing.T) {
	t.Parallel()
	n := newRollouts(t)
	stable := n.seen(t, "acme", "unit")
	n.Advance(canary, models.Progress{Threshold: models.Buckets})
	over := n.seen(t, "acme", "unit")
	const (
		old  = `{"key":"color","value":"old","reason":"STATIC","variant":"acme:1","metadata":{"layer":"acme","version":1,"type":"string"}}`
		next = `{"key":"color","value":"new","reason":"SPLIT","variant":"acme:2","metadata":{"layer":"acme","version":2,"type":"string"}}`
	)
	if r, _ := stable.Key("color"); string(stable.FlagBody(r)) != old || !bytes.Contains(stable.Flags(false).Body, []byte(old)) {
		t.Errorf("the stable side: %s in %s", stable.FlagBody(r), stable.Flags(false).Body)
	}
	if r, _ := over.Key("color"); string(over.FlagBody(r)) != next || !bytes.Contains(over.Flags(false).Body, []byte(next)) {
		t.Errorf("the candidate's side: %s in %s", over.FlagBody(r), over.Flags(false).Body)
	}
	if stable.FlagsTag() == over.FlagsTag() || !strings.HasSuffix(over.FlagsTag(), `.ofrep"`) {
		t.Errorf("tags %s and %s", stable.FlagsTag(), over.FlagsTag())
	}
	if first, again := over.Flags(false), over.Flags(false); first != again {
		t.Error("flags are encoded twice")
	}
}
