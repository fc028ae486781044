package snapshots

import (
	"crypto/sha256"
	"encoding/base64"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
)

// Snapshot is a tenant's resolved values in one environment, as one answer. It is never changed once it is made.
type Snapshot struct {
	TenantID    string
	Environment string
	Revision    string        // opaque; another one as soon as anything readers see moves
	ETag        string        // strong; differs between answers with and without sensitive values
	Stale       bool          // there may be something newer: this is what was known before
	Age         time.Duration // of a stale one: since when that is so
	Withheld    []string
	Reveals     bool       // it holds sensitive values in clear
	At          *time.Time // the instant it shows; nil for now

	home      *Service
	place     place
	json      *forms    // of the bulk answer
	keys      *keyForms // of the answers for one key
	flags     *forms    // of the same as flags
	made      time.Time
	tier      string
	chain     []link
	overlays  []overlay // of the chain; a reader may be on the candidate side of some
	tokens    []string
	revisions []int64
	entries   []configs.Resolved // by key, without what is withheld
}

// entryOverhead is roughly what an entry takes in memory beside its texts.
const entryOverhead = 450

// bytes is about how much memory the snapshot keeps: the forms made so far, and the values, which may be the last of
// a layer set that is gone.
func (s *Snapshot) bytes() int {
	n := 1000 + s.json.bytes() + s.flags.bytes() + s.keys.bytes(s.entries)
	for _, r := range s.entries {
		n += entryOverhead + len(r.Key) + len(r.Value) + len(r.Sealed)
		for _, h := range r.Hides {
			n += entryOverhead + len(h.Value) + len(h.Sealed)
		}
	}
	return n
}

// newSnapshot is what the sets, which belong to the links of the chain, come to for its readers on one side of each
// overlay.
func (s *Service) newSnapshot(tenant models.Tenant, at place, chain []link, sets []*configs.LayerSet, got readable) *Snapshot {
	made := &Snapshot{TenantID: at.tenantID, Environment: at.environment, tier: tenant.Tier, chain: chain, place: at, made: s.now()}
	made.overlays = s.overlaysOf(sets)
	identity := sha256.New()
	for _, set := range sets {
		made.tokens = append(made.tokens, set.Head.Token)
		made.revisions = append(made.revisions, set.Head.Revision)
		note(identity, set.Head.TenantID, set.Head.Token) // a layer that never moved has no token
	}
	for i, o := range made.overlays {
		if at.sides&(1<<i) != 0 {
			note(identity, o.DeploymentID)
		}
	}
	s.finish(made, identity.Sum(nil), at.inClear, got)
	return made
}

// finish gives the snapshot its values and names. The identity tells it from all others that have other values; it
// is not made of them, so that nobody finds a secret by trying.
func (s *Service) finish(made *Snapshot, identity []byte, inClear bool, got readable) {
	made.home, made.json, made.flags, made.keys = s, &forms{}, &forms{}, &keyForms{}
	made.entries, made.Withheld, made.Reveals = got.values, got.withheld, got.reveals
	made.Revision = base64.RawURLEncoding.EncodeToString(identity[:18])
	made.ETag = `"` + made.Revision + `"`
	if inClear {
		made.ETag = `"` + made.Revision + `.clear"`
	}
}

// JSON is the bulk answer, plain or with gzip if it is worth that.
func (s *Snapshot) JSON(packed bool) *Form {
	return s.form(s.json, packed, s.ETag, func() []byte { return s.encode(nil) })
}

// Body is the bulk answer in plain.
func (s *Snapshot) Body() []byte { return s.JSON(false).Body }

// current tells whether the snapshot is what the heads say now.
func (s *Snapshot) current(t models.Tenant) bool {
	if s.tier != t.Tier {
		return false
	}
	for i, l := range s.chain {
		if l.cell.get().Token != s.tokens[i] {
			return false
		}
	}
	return true
}

// covers tells whether the snapshot is at least as new as these revisions of its chain.
func (s *Snapshot) covers(wanted []int64) bool {
	for i, revision := range wanted {
		if s.revisions[i] < revision {
			return false
		}
	}
	return true
}

func (s *Snapshot) asStale(age time.Duration) *Snapshot {
	stale := *s
	stale.Stale, stale.Age = true, age
	return &stale
}

// Key is the resolved value of one key; false when it has none or it is withheld.
func (s *Snapshot) Key(key string) (configs.Resolved, bool) {
	i, ok := s.find(key)
	if !ok {
		return configs.Resolved{}, false
	}
	return s.entries[i], true
}

func (s *Snapshot) find(key string) (int, bool) {
	i := sort.Search(len(s.entries), func(i int) bool { return s.entries[i].Key >= key })
	return i, i < len(s.entries) && s.entries[i].Key == key
}

// KeyForm is the answer for one key, made when it is asked for first, and whether it shows a secret; false when there is
// no such key, or it is withheld.
func (s *Snapshot) KeyForm(key string) (form *Form, sensitive, ok bool) {
	i, ok := s.find(key)
	if !ok {
		return nil, false, false
	}
	place := s.keys.at(i, len(s.entries), func() { s.home.grew(s) })
	if form = place.Load(); form == nil {
		form = newForm(s.KeyBody(s.entries[i]), s.ETag, false)
		place.Store(form)
	}
	return form, s.entries[i].Sensitive, true
}

// Entries are the resolved values by key, without what is withheld. They must not be changed.
func (s *Snapshot) Entries() []configs.Resolved { return s.entries }

// encode writes the bulk answer as canonical JSON but for the order of its members, which is for people.
func (s *Snapshot) encode(more func([]byte) []byte) []byte {
	size := 200
	for _, r := range s.entries {
		size += len(r.Key) + len(r.Value) + 4
	}
	out := make([]byte, 0, size)
	out = s.head(out)
	out = append(out, `,"configs":{`...)
	for i, r := range s.entries {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendName(out, r.Key), r.Value...)
	}
	out = append(out, '}')
	if more != nil {
		out = more(out)
	}
	return append(out, '}')
}

func (s *Snapshot) head(out []byte) []byte {
	out = append(append(out, `{"tenantId":`...), models.Text(s.TenantID)...)
	out = append(append(out, `,"environment":`...), models.Text(s.Environment)...)
	out = append(append(out, `,"revision":`...), models.Text(s.Revision)...)
	if s.At == nil {
		return out
	}
	out = append(append(out, `,"at":`...), models.Text(s.At.Format(time.RFC3339Nano))...)
	return append(out, `,"overlays":[]`...) // nothing is rolled out in steps yet
}

// appendName writes a member's name. Keys and ids hold nothing that JSON escapes.
func appendName(out []byte, name string) []byte {
	return append(append(append(out, '"'), name...), `":`...)
}

// MetadataTag is the strong ETag of WithMetadata.
func (s *Snapshot) MetadataTag() string { return strings.TrimSuffix(s.ETag, `"`) + `.metadata"` }

// WithMetadata is the bulk answer with where each value comes from and which keys are withheld. It is encoded
// each time: people and tools ask for it, not the hot path.
func (s *Snapshot) WithMetadata() []byte {
	return s.encode(func(out []byte) []byte {
		out = append(out, `,"metadata":{`...)
		for i, r := range s.entries {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendMetadata(appendName(out, r.Key), r)
		}
		out = append(out, `},"withheld":[`...)
		for i, key := range s.Withheld {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, models.Text(key)...)
		}
		return append(out, ']')
	})
}

func appendMetadata(out []byte, r configs.Resolved) []byte {
	out = append(append(out, `{"layer":`...), models.Text(r.Layer)...)
	out = strconv.AppendInt(append(out, `,"version":`...), r.Version, 10)
	out = append(append(out, `,"type":`...), models.Text(string(r.Type))...)
	out = append(append(out, `,"changeId":`...), models.Text(r.ChangeID)...)
	out = append(append(out, `,"liveFrom":`...), models.Text(r.LiveFrom.UTC().Format(time.RFC3339Nano))...)
	if r.LockedBy != "" {
		out = append(append(out, `,"lockedBy":`...), models.Text(r.LockedBy)...)
	}
	return append(out, '}')
}

// KeyBody is the answer for one key of the snapshot.
func (s *Snapshot) KeyBody(r configs.Resolved) []byte {
	out := s.head(make([]byte, 0, 256+len(r.Value)))
	out = append(append(out, `,"key":`...), models.Text(r.Key)...)
	out = append(append(out, `,"value":`...), r.Value...)
	out = append(append(out, `,"type":`...), models.Text(string(r.Type))...)
	out = append(append(out, `,"layer":`...), models.Text(r.Layer)...)
	out = strconv.AppendInt(append(out, `,"version":`...), r.Version, 10)
	return append(out, '}')
}
