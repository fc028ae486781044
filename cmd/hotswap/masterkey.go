package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hotswap/hotswap/services/secrets"
)

// masterKeys are the key that wraps all data keys, and another one that opens some while they go from one to the next.
type masterKeys struct{ key, other *secrets.Master }

// openMasterKeys opens them, or complains about each without its text.
func openMasterKeys(ctx context.Context, key, other string) (out masterKeys, err error) {
	var bad [2]error
	out.key, bad[0] = openMasterKey(ctx, "HOTSWAP_MASTER_KEY", key)
	if other != "" {
		out.other, bad[1] = openMasterKey(ctx, "HOTSWAP_MASTER_KEY_OTHER", other)
	}
	return out, errors.Join(bad[:]...)
}

// openMasterKey refuses a key that was made for development: it guards nothing.
func openMasterKey(ctx context.Context, name, ref string) (*secrets.Master, error) {
	if err := checkSet(name, ref); err != nil {
		return nil, err
	}
	master, err := secrets.OpenMaster(ctx, ref)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be used: %w", name, err)
	case master.Development():
		return nil, errors.New(name + " is a key for development: make another one with `hotswap secrets init`")
	default:
		return master, nil
	}
}

// devMasterKey opens the master key of a developer's machine, which is made at the first start.
func devMasterKey(ctx context.Context, dir string) (*secrets.Master, error) {
	path := filepath.Join(dir, "master.json")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := secrets.CreateMasterFile(path, true); err != nil {
			return nil, err
		}
	}
	return secrets.OpenMaster(ctx, path)
}
