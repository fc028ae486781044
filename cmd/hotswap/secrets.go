package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/secrets"
)

type secretsCommand struct {
	Init   initSecretsCommand   `cmd:"" help:"Make a master key in a new file."`
	Rotate rotateSecretsCommand `cmd:"" help:"Give tenants new data keys and seal their values anew, while the nodes serve."`
	Rewrap rewrapSecretsCommand `cmd:"" help:"Wrap all data keys by another master key."`
	Shred  shredSecretsCommand  `cmd:"" help:"Destroy a tenant's data key: its sensitive values can never be read again."`
}

type initSecretsCommand struct {
	File string `arg:"" help:"The file; it must not exist yet." type:"path"`
}

// Run makes the file.
func (c initSecretsCommand) Run(s surroundings) error {
	if err := secrets.CreateMasterFile(c.File, false); err != nil {
		return err
	}
	_, err := fmt.Fprintln(s.out, "Set HOTSWAP_MASTER_KEY to this file on every node, and keep a copy: without it no sensitive value can be read.")
	return err
}

// keeper is how commands are told about the data keys: the database as its owner, and the master key.
type keeper struct {
	owner
	MasterKey string `env:"HOTSWAP_MASTER_KEY" required:"" help:"The master key: a file or the URI of a key management service." placeholder:"REF"`
}

// with runs fn at the operator's desk.
func (k keeper) with(s surroundings, fn func(context.Context, *secrets.Service) error) error {
	master, err := secrets.OpenMaster(s, k.MasterKey)
	if err != nil {
		return usageError{fmt.Errorf("--master-key: %w", err)}
	}
	desk, err := openDesk(s, k.owner)
	if err != nil {
		return err
	}
	defer desk.close()
	return fn(desk.operator(s), secrets.New(secrets.Options{
		DB: desk.db, Audit: audit.New(desk.db, time.Now, s.log), Master: master, Now: time.Now, NewID: uuid.NewString, Log: s.log,
	}))
}

type rotateSecretsCommand struct {
	keeper
	Tenant string `help:"The only tenant or layer; all if left out."`
}

// Run prints what was done, also where some of it failed.
func (c rotateSecretsCommand) Run(s surroundings) error {
	return c.with(s, func(ctx context.Context, service *secrets.Service) error {
		rotate := service.RotateAll
		if c.Tenant != "" {
			rotate = func(ctx context.Context) (secrets.Rotated, error) { return service.Rotate(ctx, c.Tenant) }
		}
		done, err := rotate(ctx)
		_, printed := fmt.Fprintf(s.out, "%d data keys rotated, %d values sealed anew, %d old keys dropped.\n", done.Keys, done.Values, done.Dropped)
		if done.Unopened > 0 {
			err = errors.Join(err, fmt.Errorf("%d values do not open and stay as they are", done.Unopened))
		}
		return errors.Join(err, printed)
	})
}

type rewrapSecretsCommand struct {
	keeper
	From string `required:"" help:"The master key that wraps them now." placeholder:"REF"`
}

// Run prints how many keys were wrapped anew, also where some failed.
func (c rewrapSecretsCommand) Run(s surroundings) error {
	from, err := secrets.OpenMaster(s, c.From)
	if err != nil {
		return usageError{fmt.Errorf("--from: %w", err)}
	}
	return c.with(s, func(ctx context.Context, service *secrets.Service) error {
		n, err := service.Rewrap(ctx, from)
		_, printed := fmt.Fprintf(s.out, "%d data keys wrapped anew.\n", n)
		return errors.Join(err, printed)
	})
}

type shredSecretsCommand struct {
	keeper
	Tenant  string `required:"" help:"The tenant."`
	Confirm string `required:"" help:"The tenant again."`
}

// Run destroys the key, if the tenant was named twice.
func (c shredSecretsCommand) Run(s surroundings) error {
	if c.Confirm != c.Tenant {
		return usageError{errors.New("--confirm does not name the tenant")}
	}
	return c.with(s, func(ctx context.Context, service *secrets.Service) error {
		if err := service.Shred(ctx, c.Tenant); err != nil {
			return err
		}
		_, err := fmt.Fprintln(s.out, "Destroyed.")
		return err
	})
}
