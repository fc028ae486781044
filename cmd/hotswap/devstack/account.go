package devstack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is the unprivileged user that children run as when we are root: Postgres refuses to run as root.
type account struct{ uid, gid uint32 }

// accountFor is nil when we are not root. Data that is there already keeps its owner.
func accountFor(data string) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil // as ourselves
	}
	info, err := os.Stat(data)
	if err == nil {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 {
			return &account{stat.Uid, stat.Gid}, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look at the data: %w", err)
	}
	return unprivileged()
}

func unprivileged() (*account, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(errUID, errGID); err != nil {
			return nil, fmt.Errorf("read the ids of user %s: %w", name, err)
		}
		return &account{uint32(uid), uint32(gid)}, nil
	}
	return nil, errors.New("run by root, Postgres needs an unprivileged user: neither postgres nor nobody exists")
}

// makePrivate makes an empty directory that belongs to the account alone. Postgres insists on owner and mode.
func makePrivate(dir string, owner *account) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if owner == nil {
		return nil
	}
	if err := os.Chown(dir, int(owner.uid), int(owner.gid)); err != nil {
		return fmt.Errorf("hand over the data directory: %w", err)
	}
	return nil
}
