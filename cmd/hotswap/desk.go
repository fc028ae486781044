package main

import (
	"context"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/store"
)

// desk is where the operator at the console works: the database as its owner, every act audited as
// the system actor admin.
type desk struct {
	db     *store.DB
	access *access.Service
}

func openDesk(s surroundings, o owner) (*desk, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	db, err := store.Open(s, store.Options{URL: o.URL, MaxConns: 2, Log: s.log, Owner: true})
	if err != nil {
		return nil, err
	}
	log := audit.New(db, time.Now, s.log)
	return &desk{db, access.New(access.Options{DB: db, Audit: log, Now: time.Now, Log: s.log})}, nil
}

func (d *desk) close() { d.db.Close() }

// operator acts as platform-admin in the name of the system actor admin.
func (d *desk) operator(ctx context.Context) context.Context {
	actor := models.System("admin")
	actor.Grants = []models.Grant{{Role: models.RolePlatformAdmin, Tenant: models.Platform}}
	return models.WithActor(ctx, actor)
}

func (d *desk) keyInput(c createKeyCommand) access.KeyInput {
	return access.KeyInput{Name: c.Name, Role: c.Role, TenantID: c.Tenant, Environment: c.Environment}
}

// eachKey walks all keys, page by page.
func (d *desk) eachKey(ctx context.Context, do func(models.APIKey) error) error {
	page := models.Page{Limit: models.MaxLimit}
	for {
		keys, err := d.access.ListKeys(d.operator(ctx), access.ListFilter{Page: page})
		if err != nil {
			return err
		}
		for _, k := range keys.Items {
			if err := do(k); err != nil {
				return err
			}
		}
		if page.Cursor = keys.Next; page.Cursor == "" {
			return nil
		}
	}
}
