package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/tenants"
	"github.com/hotswap/hotswap/web"
)

// Files of the state directory beside those of the read plane. The first one is readable by itself: what is in it is
// wrapped by the master key. All others are sealed under the key that it holds.
const (
	platformFile = "platform"
	keysFile     = "keys"
	tenantsFile  = "tenants"
	accessFile   = "access"
)

const (
	// keepEvery is how soon control data that moved are on disk.
	keepEvery = time.Second
	// restoreTimeout bounds the beginning from the state directory; the master key may be far away.
	restoreTimeout = 2 * time.Second
	// lastKeep bounds what is written when the node stops.
	lastKeep = 5 * time.Second
)

// keptFile is one file of control data.
type keptFile struct {
	moved func(context.Context) any // identifies what there is to keep
	write func(context.Context) error
	done  any // what was written last
}

// keepControl writes control data to the state directory when they moved, until the context ends, and then once more.
func (s *Server) keepControl(ctx context.Context) {
	if s.options.State == nil {
		return
	}
	files := s.controlFiles()
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastKeep)
			defer cancel()
			s.keepMoved(ctx, files)
			return
		case <-tick.C:
			s.keepMoved(ctx, files)
		}
	}
}

// prepareState makes sure that there is a key to seal what is kept, now and not in the middle of something else.
func (s *Server) prepareState(ctx context.Context) error {
	if s.options.State == nil {
		return nil
	}
	if _, err := s.Secrets.SealBlob(ctx, nil, nil); err != nil {
		return fmt.Errorf("the key of what is kept: %w", err)
	}
	return nil
}

// rememberKeys takes the data keys that an earlier run kept. Without them the node begins as well.
func (s *Server) rememberKeys(ctx context.Context) {
	var keys []secrets.Kept
	if s.options.State != nil && s.Snapshots.ReadKept(ctx, keysFile, &keys) == nil {
		s.Secrets.Remember(ctx, keys)
	}
}

// keepMoved leaves a file that cannot be written for the next time; the read plane has said so.
func (s *Server) keepMoved(ctx context.Context, files []*keptFile) {
	seal := s.Snapshots.Seal()
	if seal == "" {
		return
	}
	for _, f := range files {
		now := [2]any{seal, f.moved(ctx)}
		if f.done == any(now) {
			continue
		}
		if err := f.write(ctx); err == nil {
			f.done = now
		}
	}
}

func (s *Server) controlFiles() []*keptFile {
	keyMoves := func(context.Context) any { return s.Secrets.Moves() }
	return []*keptFile{
		{moved: keyMoves, write: s.keepPlatform},
		{moved: keyMoves, write: func(ctx context.Context) error {
			return s.Snapshots.WriteKept(ctx, keysFile, s.Secrets.Kept())
		}},
		{moved: func(context.Context) any { return s.Directory.Moves() }, write: func(ctx context.Context) error {
			return s.Snapshots.WriteKept(ctx, tenantsFile, s.Directory.Kept())
		}},
		{moved: s.rightsNow, write: func(ctx context.Context) error {
			known := s.Access.Known()
			if known == nil {
				return nil
			}
			return s.Snapshots.WriteKept(ctx, accessFile, known.Kept())
		}},
	}
}

// rightsNow is the directory of access, renewed if it is old: what was revoked shall not open anything again.
func (s *Server) rightsNow(ctx context.Context) any {
	if now, err := s.Access.Directory(ctx); err == nil {
		return now
	}
	return s.Access.Known()
}

// keepPlatform keeps the wrapped data key of the platform.
func (s *Server) keepPlatform(ctx context.Context) error {
	if err := s.Secrets.Keep(ctx, models.Platform); err != nil {
		return err
	}
	for _, k := range s.Secrets.Kept() {
		if k.TenantID != models.Platform {
			continue
		}
		packed, err := snapshots.Pack(k)
		if err != nil {
			return err
		}
		return s.options.State.Write(platformFile, packed)
	}
	return nil
}

// restore begins with what the state directory holds.
func (s *Server) restore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, restoreTimeout)
	defer cancel()
	packed, err := s.options.State.Read(platformFile)
	if err != nil {
		return fmt.Errorf("the key of what was kept: %w", err)
	}
	var platform secrets.Kept
	if err := snapshots.Unpack(packed, &platform); err != nil {
		return fmt.Errorf("the key of what was kept: %w", err)
	}
	if err := s.Secrets.RestorePlatform(ctx, platform); err != nil {
		return fmt.Errorf("the key of what was kept: %w", err)
	}
	if err := s.Snapshots.Restore(ctx); err != nil {
		return err
	}
	var keys []secrets.Kept
	var known []tenants.Kept
	var rights access.Kept
	if err := errors.Join(
		s.Snapshots.ReadKept(ctx, keysFile, &keys),
		s.Snapshots.ReadKept(ctx, tenantsFile, &known),
		s.Snapshots.ReadKept(ctx, accessFile, &rights),
	); err != nil {
		return err
	}
	s.Secrets.Restore(keys)
	s.Directory.Restore(known)
	s.Access.Restore(rights)
	return s.contact.Err()
}

// loadOrRestore reads what every request needs from the database or, while that cannot be asked, from the state
// directory.
func (s *Server) loadOrRestore(ctx context.Context) error {
	missing := errors.New("reach the database: it does not answer")
	if s.options.State == nil || s.options.DB.Reached() {
		if missing = s.load(ctx); missing == nil || s.options.State == nil || !store.Unavailable(missing) {
			return missing
		}
	}
	if err := s.restore(ctx); err != nil {
		return errors.Join(missing, fmt.Errorf("begin from the state directory: %w", err))
	}
	s.options.Log.WarnContext(ctx, "the database does not answer: this node serves what it kept, and writes nothing",
		"age", s.contact.Silence().Round(time.Second).String())
	return nil
}

// Ready tells why the node cannot serve. One that has loaded needs no database for reads: while it does not hear of it,
// it is ready and says so.
func (s *Server) Ready(context.Context) error {
	switch {
	case !s.loaded.Load():
		return models.Unavailable("the node is still loading", time.Second)
	case s.contact.Err() != nil:
		return s.contact.Err()
	case s.contact.Silent(), !s.options.DB.Reached():
		return &web.ReadyError{Reason: "the database does not answer: reads are served as of " +
			s.contact.Last().UTC().Format(time.RFC3339) + ", writes are not"}
	default:
		return nil
	}
}
