package snapshots

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
)

const (
	// setFormat begins an encoded layer set. Whoever changes what follows changes it, and nodes of both versions
	// take each other's blobs for nothing.
	setFormat = 2
	// maxSetBytes is more than any layer set takes within the limits of a layer, and bounds what is unpacked.
	maxSetBytes = 32 << 20
)

var errNoSet = errors.New("not an encoded layer set")

// encodeSet packs a layer set: texts with their length before them, in the order of keys, compressed.
func encodeSet(s *configs.LayerSet) []byte {
	out := appendText(nil, s.Head.TenantID)
	out = appendText(out, s.Head.Environment)
	out = binary.AppendVarint(out, s.Head.Revision)
	out = appendText(out, s.Head.Token)
	out = binary.AppendUvarint(out, uint64(len(s.Entries)))
	for _, key := range slices.Sorted(maps.Keys(s.Entries)) {
		out = appendEntry(out, s.Entries[key])
	}
	out = binary.AppendUvarint(out, uint64(len(s.Kinds)))
	for _, key := range slices.Sorted(maps.Keys(s.Kinds)) {
		out = appendKind(appendText(out, key), s.Kinds[key])
	}
	out = binary.AppendUvarint(out, uint64(len(s.Overlays)))
	for _, o := range s.Overlays {
		out = appendOverlay(out, o)
	}
	return append([]byte{setFormat}, s2.Encode(nil, out)...)
}

func appendEntry(out []byte, e *configs.Entry) []byte {
	for _, text := range []string{e.Key, string(e.Value), e.ConfigID, e.ChangeID, e.Author, e.Deployed, string(e.Sealed)} {
		out = appendText(out, text)
	}
	out = binary.AppendVarint(out, e.Version)
	out = binary.AppendVarint(out, e.LiveFrom.UnixMicro()) // Postgres keeps microseconds
	return appendBool(out, e.Locked)
}

func appendKind(out []byte, k configs.Kind) []byte {
	out = appendText(out, string(k.Type))
	out = appendText(out, string(k.Merge))
	return appendBool(out, k.Sensitive)
}

func appendOverlay(out []byte, o *configs.Overlay) []byte {
	for _, text := range []string{o.DeploymentID, o.Salt, o.Unit} {
		out = appendText(out, text)
	}
	out = binary.AppendUvarint(out, uint64(len(o.Set)))
	for i := range o.Set {
		out = appendEntry(out, &o.Set[i])
	}
	out = binary.AppendUvarint(out, uint64(len(o.Unset)))
	for _, key := range o.Unset {
		out = appendText(out, key)
	}
	return out
}

func appendText(out []byte, text string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(text))), text...)
}

func appendBool(out []byte, v bool) []byte {
	if v {
		return append(out, 1)
	}
	return append(out, 0)
}

// decodeSet undoes encodeSet, and takes nothing that it would not have made.
func decodeSet(raw []byte) (*configs.LayerSet, error) {
	if len(raw) == 0 || raw[0] != setFormat {
		return nil, errNoSet
	}
	if n, err := s2.DecodedLen(raw[1:]); err != nil || n > maxSetBytes {
		return nil, errNoSet
	}
	plain, err := s2.Decode(nil, raw[1:])
	if err != nil {
		return nil, errNoSet
	}
	d := decoder{left: plain}
	head := models.Head{TenantID: d.text(), Environment: d.text(), Revision: d.number(), Token: d.text()}
	entries := d.entries()
	kinds := d.kinds()
	overlays := d.overlays()
	if d.failed || len(d.left) > 0 {
		return nil, errNoSet
	}
	set := configs.NewLayerSet(head, entries, kinds)
	set.Overlays = overlays
	return set, nil
}

// decoder reads what is left. After the first failure all it gives is empty.
type decoder struct {
	left   []byte
	failed bool
}

func (d *decoder) check(ok bool) {
	if !ok {
		d.failed, d.left = true, nil
	}
}

func (d *decoder) entries() (out []configs.Entry) {
	for n := d.count(); n > 0 && !d.failed; n-- {
		e := d.entry()
		d.check(len(out) == 0 || out[len(out)-1].Key < e.Key)
		out = append(out, e)
	}
	return out
}

func (d *decoder) kinds() map[string]configs.Kind {
	out, last := map[string]configs.Kind{}, ""
	for n := d.count(); n > 0 && !d.failed; n-- {
		key := d.text()
		d.check(len(out) == 0 || last < key)
		out[key], last = d.kind(), key
	}
	return out
}

func (d *decoder) overlays() (out []*configs.Overlay) {
	for n := d.count(); n > 0 && !d.failed; n-- {
		o := &configs.Overlay{DeploymentID: d.text(), Salt: d.text(), Unit: d.text(), Set: d.entries()}
		for left := d.count(); left > 0 && !d.failed; left-- {
			o.Unset = append(o.Unset, d.text())
		}
		d.check(len(out) == 0 || out[len(out)-1].DeploymentID < o.DeploymentID)
		out = append(out, o)
	}
	return out
}

func (d *decoder) entry() configs.Entry {
	e := configs.Entry{
		Key: d.text(), Value: models.Value(d.text()), ConfigID: d.text(), ChangeID: d.text(), Author: d.text(), Deployed: d.text(),
	}
	if sealed := d.text(); sealed != "" {
		e.Sealed = []byte(sealed)
	}
	e.Version = d.number()
	e.LiveFrom = time.UnixMicro(d.number()).UTC()
	e.Locked = d.bool()
	return e
}

func (d *decoder) kind() configs.Kind {
	return configs.Kind{Type: models.ValueType(d.text()), Merge: models.Merge(d.text()), Sensitive: d.bool()}
}

// text is a copy: what is kept of a set must not keep all of it.
func (d *decoder) text() string {
	n := d.count()
	text := string(d.left[:n])
	d.left = d.left[n:]
	return text
}

// count is a length or a number of things, each of which takes at least a byte of what is left.
func (d *decoder) count() int {
	v, n := binary.Uvarint(d.left)
	d.check(n > 0 && v <= uint64(len(d.left)-n)) //nolint:gosec // n is no more than there are bytes
	if d.failed {
		return 0
	}
	d.left = d.left[n:]
	return int(v) //nolint:gosec // no more than there are bytes
}

func (d *decoder) number() int64 {
	v, n := binary.Varint(d.left)
	d.check(n > 0)
	if d.failed {
		return 0
	}
	d.left = d.left[n:]
	return v
}

func (d *decoder) bool() bool {
	d.check(len(d.left) > 0 && d.left[0] <= 1)
	if d.failed {
		return false
	}
	v := d.left[0] == 1
	d.left = d.left[1:]
	return v
}
