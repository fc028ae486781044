package snapshots

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
)

const (
	// keepEvery is how soon what came into memory is on disk, and keepBatch how many sets are written then.
	keepEvery = time.Second
	keepBatch = 500
	// clockEvery is how often the time of the last contact is written.
	clockEvery = 10 * time.Second
	// lookThroughEvery is how often what lies on disk is looked through.
	lookThroughEvery = time.Minute
	// sealedFor is how long a set with sensitive values lies on disk as it was read: data keys that were replaced go after
	// a day. refreshBatch is how many are read anew by one sweep.
	sealedFor    = 12 * time.Hour
	refreshBatch = 50
	// lastKeep bounds what is written when the node stops.
	lastKeep = 5 * time.Second
)

// errNothingKept says that the state directory holds nothing to begin with.
var errNothingKept = errors.New("the state directory holds nothing that can be used")

// keepOn writes to disk what came into memory, until the context ends, and then once more. Nobody waits for it.
func (s *Service) keepOn(ctx context.Context) {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	var clocked, swept time.Time
	for {
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastKeep)
			defer cancel()
			s.keepSets(ctx)
			s.keepClock(ctx)
			return
		case now := <-tick.C:
			if now.Sub(swept) >= lookThroughEvery {
				s.sweep(ctx)
				swept = now
			}
			s.keepSets(ctx)
			if now.Sub(clocked) >= clockEvery && !s.contact.Silent() {
				s.keepClock(ctx)
				clocked = now
			}
		}
	}
}

// keepSets writes some of the sets that are newer in memory, and the index.
func (s *Service) keepSets(ctx context.Context) {
	epoch := s.epoch.Load()
	if epoch == nil {
		return
	}
	for key, renew := range s.disk.take(keepBatch) {
		s.kept(s.keepSet(ctx, *epoch, key, renew))
	}
	list, garbage, ok := s.disk.changed()
	if !ok {
		return
	}
	if err := s.writeSealed(ctx, indexFile, *epoch, list); err != nil {
		s.kept(err)
		s.disk.failed(garbage)
		return
	}
	for _, file := range garbage {
		_ = s.disk.dir.Remove(file) // the next start clears it away
	}
}

// kept counts how a write to disk went, and says once that it does not go, and once that it does again.
func (s *Service) kept(err error) {
	if err == nil {
		s.metrics.kept.ok.Inc()
	} else {
		s.metrics.kept.failed.Inc()
	}
	switch failing := err != nil; {
	case failing && s.keepFails.CompareAndSwap(false, true):
		s.log.Warn("the state directory cannot be written: this node could not start without its database", slog.Any("error", err))
	case !failing && s.keepFails.CompareAndSwap(true, false):
		s.log.Info("the state directory is written again")
	}
}

// keepSet writes a set as it is in memory, or, to seal it anew, as it is on disk.
func (s *Service) keepSet(ctx context.Context, epoch string, key models.HeadKey, renew bool) error {
	old, listed := s.disk.find(key)
	var set *configs.LayerSet
	if held, ok := s.sets.GetEntryQuietly(key); ok {
		set = held.Value
	} else if renew && listed {
		set = s.openKept(ctx, epoch, old)
	}
	if set == nil || listed && !renew && old.Head == set.Head {
		return nil
	}
	sealed, err := s.secrets.SealBlob(ctx, encodeSet(set), associated(epoch, set.Head))
	if err != nil {
		return err
	}
	now := onDisk{Head: set.Head, File: setFile(set.Head), Size: int64(len(sealed)), At: s.now()}
	now.Key, _ = s.secrets.BlobKey()
	if !s.disk.fits(key, now.Size) {
		s.metrics.kept.left.Inc()
		return nil
	}
	if now.Seals = seals(set); now.Seals {
		if err := s.secrets.Keep(ctx, key.TenantID); err != nil {
			return err
		}
	}
	if err := s.disk.dir.Write(now.File, sealed); err != nil {
		return err
	}
	s.disk.put(now)
	return nil
}

func seals(set *configs.LayerSet) bool {
	for _, e := range set.Entries {
		if e.Sealed != nil {
			return true
		}
	}
	return false
}

// openKept reads a set from disk; nil, and no longer listed, when it is not what it should be.
func (s *Service) openKept(ctx context.Context, epoch string, kept onDisk) *configs.LayerSet {
	sealed, err := s.disk.dir.Read(kept.File)
	if err == nil {
		var set *configs.LayerSet
		if set, err = s.openBlob(ctx, epoch, kept.Head, sealed); err == nil {
			s.metrics.restored.ok.Inc()
			return set
		}
	}
	if isUnavailable(err) || errors.Is(err, context.Canceled) {
		return nil // its key is out of reach for now
	}
	s.dropped(ctx, kept.File, err)
	s.disk.dropFile(kept.Head.Key(), kept.File)
	return nil
}

// dropped counts what lay on disk and was not what it should be.
func (s *Service) dropped(ctx context.Context, file string, err error) {
	s.metrics.restored.dropped.Inc()
	s.log.WarnContext(ctx, "a file in the state directory is not what it should be, it is dropped", slog.String("file", file), slog.Any("error", err))
}

// fromDisk is the set that lies on disk, if it is as new as the floor, and holds it in memory.
func (s *Service) fromDisk(ctx context.Context, l link, floor int64) *configs.LayerSet {
	epoch := s.epoch.Load()
	if s.disk == nil || epoch == nil {
		return nil
	}
	kept, ok := s.disk.find(l.key)
	if !ok || kept.Head.Revision < floor {
		return nil
	}
	set := s.openKept(ctx, *epoch, kept)
	if set != nil {
		s.install(epoch, l, set)
	}
	return set
}

// sweep looks through what lies on disk: layers that are gone go, and what was sealed under keys that will go is sealed
// anew.
func (s *Service) sweep(ctx context.Context) {
	current, known := s.secrets.BlobKey()
	refresh := refreshBatch
	for _, set := range s.disk.all() {
		key := set.Head.Key()
		tenant, there := s.tenants.Known(key.TenantID)
		switch {
		case !there || tenant.Status == models.TenantDeleted:
			s.disk.drop(key)
		case known && set.Key != current:
			s.disk.renew(key)
		case set.Seals && s.now().Sub(set.At) > sealedFor && refresh > 0 && !s.contact.Silent():
			refresh--
			s.refresh(ctx, key)
		}
	}
}

// refresh reads a set anew, as its sensitive values are sealed now.
func (s *Service) refresh(ctx context.Context, key models.HeadKey) {
	epoch := s.epoch.Load()
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	set, err := configs.LoadLayerSet(ctx, s.db, key.TenantID, key.Environment)
	if err != nil {
		return // the next sweep tries again
	}
	s.install(epoch, link{key, s.heads.at(key)}, set)
	s.disk.renew(key)
}

func (s *Service) keepClock(ctx context.Context) {
	epoch, names := s.epoch.Load(), s.environments.Load()
	if epoch == nil || names == nil || s.contact.Last().IsZero() {
		return
	}
	s.kept(s.writeSealed(ctx, clockFile, "", clock{
		Epoch: *epoch, Cursor: *s.seenCursor.Load(), Heard: s.contact.Last().Round(0), Environments: *names,
	}))
}

// boundFile is what a file is bound to beside the key: its name, and the database it is of.
func boundFile(name, epoch string) []byte {
	return appendText(appendText([]byte("file\x00"), name), epoch)
}

func (s *Service) writeSealed(ctx context.Context, name, epoch string, v any) error {
	plain, err := Pack(v)
	if err != nil {
		return err
	}
	sealed, err := s.secrets.SealBlob(ctx, plain, boundFile(name, epoch))
	if err != nil {
		return err
	}
	return s.disk.dir.Write(name, sealed)
}

func (s *Service) readSealed(ctx context.Context, name, epoch string, into any) error {
	sealed, err := s.disk.dir.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return errNothingKept
	}
	if err != nil {
		return err
	}
	plain, err := s.secrets.OpenBlob(ctx, sealed, boundFile(name, epoch))
	if err == nil {
		err = Unpack(plain, into)
	}
	if err != nil && !isUnavailable(err) {
		s.dropped(ctx, name, err)
		return errors.Join(errNothingKept, err)
	}
	return err
}

// WriteKept seals control data and keeps it under the name, for this database. It does nothing without a state
// directory, or before the database is known.
func (s *Service) WriteKept(ctx context.Context, name string, v any) error {
	epoch := s.epoch.Load()
	if s.disk == nil || epoch == nil {
		return nil
	}
	err := s.writeSealed(ctx, name, *epoch, v)
	s.kept(err)
	return err
}

// Seal identifies what WriteKept seals for now, the database and the key: what was kept under another is of no use, or
// will not be for long. Empty without a state directory, or before both are known.
func (s *Service) Seal() string {
	epoch := s.epoch.Load()
	key, ok := s.secrets.BlobKey()
	if s.disk == nil || epoch == nil || !ok {
		return ""
	}
	return fmt.Sprint(*epoch, " ", key)
}

// ReadKept undoes WriteKept, for the same database only.
func (s *Service) ReadKept(ctx context.Context, name string, into any) error {
	epoch := s.epoch.Load()
	if s.disk == nil || epoch == nil {
		return errNothingKept
	}
	return s.readSealed(ctx, name, *epoch, into)
}

// Restore begins with what the state directory holds, because the database cannot be asked. It reads no layer set yet.
func (s *Service) Restore(ctx context.Context) error {
	if s.disk == nil {
		return errNothingKept
	}
	var at clock
	if err := s.readSealed(ctx, clockFile, "", &at); err != nil {
		return err
	}
	var list index
	if err := s.readSealed(ctx, indexFile, at.Epoch, &list); err != nil {
		return err
	}
	s.epoch.Store(&at.Epoch)
	s.environments.Store(&at.Environments)
	s.contact.Told(at.Heard)
	s.keptCursor, s.fromKept = at.Cursor, true
	s.seenCursor.Store(&at.Cursor)
	s.disk.adopt(list.Sets)
	for _, set := range list.Sets {
		s.heads.at(set.Head.Key()).raise(set.Head, s.now())
	}
	return nil
}

// adopt takes what the state directory holds of the database that answers. What it holds of another one, or of this one
// before its files were replaced by older ones, is forgotten.
func (s *Service) adopt(ctx context.Context) {
	if s.disk == nil {
		return
	}
	var at clock
	var list index
	err := s.readSealed(ctx, clockFile, "", &at)
	if err == nil && (at.Epoch != *s.epoch.Load() || wentBack(at.Cursor, s.cursor)) {
		s.log.ErrorContext(ctx, "the database is another one than the state directory is of, which is emptied: it was restored or failed over, and its last changes may be lost")
		s.metrics.epochs.Inc()
		err = errNothingKept
	}
	if err == nil {
		err = s.readSealed(ctx, indexFile, at.Epoch, &list)
	}
	if err == nil {
		s.disk.adopt(list.Sets)
	}
	s.clearAway(ctx)
}

// clearAway removes layer sets that the index does not list.
func (s *Service) clearAway(ctx context.Context) {
	listed := map[string]bool{}
	for _, set := range s.disk.all() {
		listed[set.File] = true
	}
	files, err := s.disk.dir.List(setFiles)
	if err != nil {
		s.log.WarnContext(ctx, "the state directory cannot be looked through", slog.Any("error", err))
	}
	for _, file := range slices.DeleteFunc(files, func(f string) bool { return listed[f] }) {
		_ = s.disk.dir.Remove(file) // the next start tries again
	}
}
