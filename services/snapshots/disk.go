package snapshots

import (
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/statedir"
)

// Files of the state directory. Each is one sealed message, bound to its name and to the database.
const (
	clockFile = "clock"   // which database, and when it was heard of last
	indexFile = "index"   // which layer sets are there
	setFiles  = "set-"    // begins the names of layer sets
	allFiles  = ""        // begins every name
	maxOnDisk = 1 << 30   // bytes of layer sets
	maxPlain  = 256 << 20 // bytes of what is unpacked
)

// disk is what the node keeps on disk: layer sets beside the index that lists them. What is not in the index does not
// count, so a file that was written but not listed, or the other way round, does no harm.
type disk struct {
	dir *statedir.Dir

	mu      sync.Mutex
	sets    map[models.HeadKey]onDisk
	dirty   map[models.HeadKey]bool // sets that are newer in memory; true: to be sealed anew whatever is in memory
	garbage []string                // files that the index lists no more, once it is written
	bytes   int64
	altered bool // the index on disk is older
}

// onDisk is a layer set as it lies on disk.
type onDisk struct {
	Head  models.Head
	File  string
	Size  int64
	Key   uint32    // that sealed it
	At    time.Time // when its values were read
	Seals bool      // there are sensitive values in it
}

// clock tells which database the rest is of.
type clock struct {
	Epoch        string
	Cursor       string
	Heard        time.Time
	Environments []string
}

// index lists the layer sets on disk.
type index struct{ Sets []onDisk }

func newDisk(dir *statedir.Dir) *disk {
	if dir == nil {
		return nil
	}
	return &disk{dir: dir, sets: map[models.HeadKey]onDisk{}, dirty: map[models.HeadKey]bool{}}
}

// note marks a set that is newer in memory.
func (d *disk) note(key models.HeadKey) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.dirty[key] {
		d.dirty[key] = false
	}
}

// renew marks a set that has to be written anew.
func (d *disk) renew(key models.HeadKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dirty[key] = true
}

// take is some of the marked sets, which are marked no more.
func (d *disk) take(limit int) map[models.HeadKey]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make(map[models.HeadKey]bool, min(limit, len(d.dirty)))
	for key, renew := range d.dirty {
		if len(out) == limit {
			break
		}
		out[key] = renew
		delete(d.dirty, key)
	}
	return out
}

func (d *disk) find(key models.HeadKey) (onDisk, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	set, ok := d.sets[key]
	return set, ok
}

// fits tells whether that many more bytes may be kept in the place of a set.
func (d *disk) fits(key models.HeadKey, size int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bytes-d.sets[key].Size+size <= maxOnDisk
}

// put lists a set that was written.
func (d *disk) put(set onDisk) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.sets[set.Head.Key()]
	if old.File != "" && old.File != set.File {
		d.garbage = append(d.garbage, old.File)
	}
	d.bytes += set.Size - old.Size
	d.sets[set.Head.Key()] = set
	d.altered = true
}

// drop lists a set no more.
func (d *disk) drop(key models.HeadKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if old, ok := d.sets[key]; ok {
		d.garbage = append(d.garbage, old.File)
		d.bytes -= old.Size
		delete(d.sets, key)
		d.altered = true
	}
}

// dropFile is drop, unless another file has taken its place.
func (d *disk) dropFile(key models.HeadKey, file string) {
	if now, ok := d.find(key); ok && now.File == file {
		d.drop(key)
	}
}

// empty lists nothing any more.
func (d *disk) empty() {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, old := range d.sets {
		d.garbage = append(d.garbage, old.File)
	}
	clear(d.sets)
	clear(d.dirty)
	d.bytes, d.altered = 0, true
}

// adopt takes what the index on disk lists.
func (d *disk) adopt(sets []onDisk) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, set := range sets {
		d.bytes += set.Size - d.sets[set.Head.Key()].Size
		d.sets[set.Head.Key()] = set
	}
}

// all is every set that is listed.
func (d *disk) all() []onDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]onDisk, 0, len(d.sets))
	for _, set := range d.sets {
		out = append(out, set)
	}
	return out
}

// changed is the index to write, if it has to be, and the files that are of no use after that.
func (d *disk) changed() (list index, garbage []string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.altered {
		return list, nil, false
	}
	for _, set := range d.sets {
		list.Sets = append(list.Sets, set)
	}
	garbage, d.garbage, d.altered = d.garbage, nil, false
	return list, garbage, true
}

// failed says that the index was not written.
func (d *disk) failed(garbage []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.garbage, d.altered = append(d.garbage, garbage...), true
}

func (d *disk) size() float64 {
	if d == nil {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return float64(d.bytes)
}

// setFile is a name that shows nothing of what is in the file.
func setFile(h models.Head) string {
	name := appendText(appendText(appendText(nil, h.TenantID), h.Environment), h.Token)
	sum := sha256.Sum256(name)
	return setFiles + hex.EncodeToString(sum[:16])
}

// Pack is a value as it is sealed and kept.
func Pack(v any) ([]byte, error) {
	var out bytes.Buffer
	if err := gob.NewEncoder(&out).Encode(v); err != nil {
		return nil, fmt.Errorf("pack what is kept: %w", err)
	}
	return s2.Encode(nil, out.Bytes()), nil
}

// Unpack undoes Pack.
func Unpack(packed []byte, into any) error {
	n, err := s2.DecodedLen(packed)
	if err != nil || n > maxPlain {
		return errNoSet
	}
	plain, err := s2.Decode(nil, packed)
	if err != nil {
		return errNoSet
	}
	return gob.NewDecoder(bytes.NewReader(plain)).Decode(into)
}
