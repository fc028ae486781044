// Package configs tells what is set: the values of a layer with their history, and what a chain of layers resolves to.
package configs

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// LayerSet is all live values of one layer in one environment under one token: the unit that is loaded and
// cached. It is never changed once it is made.
type LayerSet struct {
	Head    models.Head // revision 0 and no token: the layer never moved there
	Entries map[string]*Entry
	Kinds   map[string]Kind // what the layer defines

	Overlays []*Overlay // deployments on their way, by id

	sorted []*Entry // by key
}

// Entry is one live value.
type Entry struct {
	Key      string
	Value    models.Value
	Version  int64
	ConfigID string
	ChangeID string
	Author   string // kind:id
	LiveFrom time.Time
	Locked   bool   // nothing below overrides it
	Deployed string // the deployment on its way whose candidate side has it; empty for what is live
	Sealed   []byte // ciphertext of a sensitive value, whose Value names it; nil for any other
}

// Kind is the part of a definition that readers see; descriptions and schemas move without a head.
type Kind struct {
	Type      models.ValueType
	Sensitive bool
	Merge     models.Merge
}

// Rough sizes in memory, in bytes.
const (
	entryOverhead = 400 // an entry's struct, its id texts and its places in map and order
	kindOverhead  = 80
)

// Bytes is about how much memory the set takes.
func (s *LayerSet) Bytes() int {
	n := entryOverhead + kindOverhead*len(s.Kinds)
	for key, e := range s.Entries {
		n += entryOverhead + len(key) + len(e.Value) + len(e.Sealed)
	}
	for _, o := range s.Overlays {
		n += o.bytes()
	}
	return n
}

// NewLayerSet makes a set of its parts.
func NewLayerSet(head models.Head, entries []Entry, kinds map[string]Kind) *LayerSet {
	s := &LayerSet{Head: head, Entries: make(map[string]*Entry, len(entries)), Kinds: kinds, sorted: make([]*Entry, len(entries))}
	for i, e := range entries { // each on its own: who keeps one entry must not keep the whole set in memory
		s.Entries[e.Key], s.sorted[i] = &e, &e
	}
	slices.SortFunc(s.sorted, func(a, b *Entry) int { return strings.Compare(a.Key, b.Key) })
	return s
}

const entriesSQL = `
	SELECT c.key, v.value, v.version, c.id AS config_id, v.change_id, v.author, v.live_from, v.locked, ` + ciphertext + ` AS sealed
	FROM configs c JOIN config_versions v ON v.tenant_id = c.tenant_id AND v.config_id = c.id AND v.version = c.live
	WHERE c.tenant_id = ? AND c.environment = ?`

// ciphertext is what holds the value of the version v of the config c, if that is sealed. As a join it might read the
// secrets of all tenants.
const ciphertext = `(
	SELECT s.ciphertext FROM sealed_values s WHERE s.tenant_id = c.tenant_id AND s.key = c.key
	  AND s.id = CASE WHEN v.value LIKE 'sealed:%' THEN split_part(v.value, ':', 2)::uuid END)`

// LoadLayerSet reads a layer set: head and values in one unmoving picture, so the set bears the token of
// exactly these values.
func LoadLayerSet(ctx context.Context, db *store.DB, layer, environment string) (*LayerSet, error) {
	head := models.Head{TenantID: layer, Environment: environment}
	var entries []Entry
	var kinds []struct {
		Key       string
		Type      models.ValueType
		Sensitive bool
		Merge     models.Merge
	}
	ctx = models.WithActor(ctx, models.System("scan"))
	err := db.Snapshot(ctx, func(_ context.Context, tx *gorm.DB) error {
		err := tx.Raw(`SELECT tenant_id, environment, revision, token FROM heads WHERE tenant_id = ? AND environment = ?`,
			layer, environment).Scan(&head).Error
		if err != nil {
			return err
		}
		if err := tx.Raw(entriesSQL, layer, environment).Scan(&entries).Error; err != nil {
			return err
		}
		return tx.Raw(`SELECT key, type, sensitive, merge FROM definitions WHERE tenant_id = ?`, layer).Scan(&kinds).Error
	})
	if err != nil {
		return nil, err
	}
	for i := range entries {
		entries[i].LiveFrom = entries[i].LiveFrom.UTC()
	}
	defined := make(map[string]Kind, len(kinds))
	for _, k := range kinds {
		defined[k.Key] = Kind{Type: k.Type, Sensitive: k.Sensitive, Merge: k.Merge}
	}
	return NewLayerSet(head, entries, defined), nil
}
