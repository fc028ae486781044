package snapshots

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/maypok86/otter/v2"

	"github.com/hotswap/hotswap/services/configs"
)

// Form is an answer as it is sent, with the lines of its headers ready. Nothing of it may be changed.
type Form struct {
	Body   []byte
	Packed bool     // with gzip
	ETag   []string // strong; another one for each form
	Length []string
}

const (
	// minPacked is what is worth packing, in bytes.
	minPacked = 1 << 10
	// packedTag ends the ETag of a packed form, within its quotes.
	packedTag = ".gzip"
)

func newForm(body []byte, tag string, packed bool) *Form {
	if packed {
		tag = strings.TrimSuffix(tag, `"`) + packedTag + `"`
	}
	return &Form{Body: body, Packed: packed, ETag: []string{tag}, Length: []string{strconv.Itoa(len(body))}}
}

// SameTag tells whether two ETags are of the same answer, whatever its forms.
func SameTag(a, b string) bool { return a == b || unpackedTag(a) == unpackedTag(b) }

// unpackedTag is the tag of the plain form without its last quote.
func unpackedTag(tag string) string {
	return strings.TrimSuffix(strings.TrimSuffix(tag, `"`), packedTag)
}

// forms are the encodings of one answer, each made when it is asked for first. Two who ask at once may both make it.
type forms struct{ plain, packed atomic.Pointer[Form] }

// keyForms are the answers for single keys. There is no room for any until one is asked for; then all of them weigh.
type keyForms struct {
	made atomic.Pointer[[]atomic.Pointer[Form]]
}

// keyFormOverhead is roughly what an answer for one key takes beside its key and value.
const keyFormOverhead = 450

func (k *keyForms) at(i, of int, grew func()) *atomic.Pointer[Form] {
	made := k.made.Load()
	if made == nil {
		fresh := make([]atomic.Pointer[Form], of)
		if k.made.CompareAndSwap(nil, &fresh) {
			grew()
		}
		made = k.made.Load()
	}
	return &(*made)[i]
}

func (k *keyForms) bytes(entries []configs.Resolved) (n int) {
	if k.made.Load() == nil {
		return 0
	}
	for i := range entries {
		n += keyFormOverhead + len(entries[i].Key) + len(entries[i].Value)
	}
	return n
}

// form is the one asked for; what is not worth packing comes plain.
func (s *Snapshot) form(of *forms, packed bool, tag string, encode func() []byte) *Form {
	plain := of.plain.Load()
	if plain == nil {
		plain = newForm(encode(), tag, false)
		of.plain.Store(plain)
		s.home.grew(s)
	}
	if !packed || len(plain.Body) < minPacked {
		return plain
	}
	made := of.packed.Load()
	if made == nil {
		made = newForm(s.home.packers.pack(plain.Body), tag, true)
		of.packed.Store(made)
		s.home.grew(s)
	}
	return made
}

// grew weighs a snapshot anew that is kept.
func (s *Service) grew(snap *Snapshot) {
	s.composed.ComputeIfPresent(snap.place, func(held *Snapshot) (*Snapshot, otter.ComputeOp) {
		if held.json != snap.json { // neither it nor a stale copy of it
			return held, otter.CancelOp
		}
		return held, otter.WriteOp
	})
}

// bytes is what the forms made so far take.
func (f *forms) bytes() (n int) {
	for _, form := range []*Form{f.plain.Load(), f.packed.Load()} {
		if form != nil {
			n += len(form.Body) + 150
		}
	}
	return n
}

// packers keep the tables of gzip, which are larger than what most of them pack.
type packers struct{ pool sync.Pool }

func (p *packers) pack(plain []byte) []byte {
	var out bytes.Buffer
	w, ok := p.pool.Get().(*gzip.Writer)
	if !ok {
		w = gzip.NewWriter(nil)
	}
	defer p.pool.Put(w)
	w.Reset(&out)
	_, _ = w.Write(plain) // to memory
	_ = w.Close()
	return bytes.Clone(out.Bytes())
}
