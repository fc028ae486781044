package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hotswap/hotswap/cmd/hotswap/demo"
	"github.com/hotswap/hotswap/cmd/hotswap/devstack"
	"github.com/hotswap/hotswap/cmd/hotswap/server"
	"github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/web/auth"
)

const (
	devClient   = "hotswap" // client id at the development identity provider
	stopTimeout = 30 * time.Second
)

type devCommand struct {
	Listen string `default:"127.0.0.1:8080" help:"Where the console and the API answer."`
	Dir    string `default:".hotswap" help:"Where data, ports and keys are kept." type:"path"`
	Empty  bool   `help:"No demo data."`
}

// Run starts everything, prints where it is and stops it again when asked to.
func (c devCommand) Run(s surroundings) (err error) {
	if err := checkListen("--listen", c.Listen); err != nil {
		return usageError{err}
	}
	observe, err := readTelemetrySettings()
	if err != nil {
		return err
	}
	api, err := listen(s, c.Listen)
	if err != nil {
		return err
	}
	defer api.Close()
	stack := &devStack{url: "http://" + api.Addr().String()}
	defer func() { err = errors.Join(err, stack.stop(s)) }()
	if err := stack.start(s, c.Dir); err != nil {
		return err
	}
	keys, err := c.prepare(s, stack)
	if err != nil {
		return err
	}
	n, err := newNode(s, observe)
	if err != nil {
		return err
	}
	defer stopTelemetry(s, n.telemetry)
	n.api = api
	if err := n.openState(s, filepath.Join(c.Dir, "state")); err != nil {
		return err
	}
	defer n.state.Close()
	db, err := n.database(s, stack.databaseURL(devstack.App))
	if err != nil {
		return err
	}
	defer db.Close()
	if err := n.openRedis(s, stack.redis.URL(), devCacheTTL); err != nil {
		return err
	}
	defer n.redis.Close()
	master, err := devMasterKey(s, c.Dir)
	if err != nil {
		return err
	}
	if n.server, err = stack.server(s, db, n, master); err != nil {
		return err
	}
	if n.ops, err = listen(s, "127.0.0.1:0"); err != nil {
		return err
	}
	return c.serve(s, n, stack, keys)
}

// serve fills in demo data, tells where everything is and serves.
func (c devCommand) serve(s surroundings, n *node, stack *devStack, keys devKeys) error {
	if !c.Empty {
		if err := demo.Seed(s, n.server.Services, keys); err != nil {
			return fmt.Errorf("demo data: %w", err)
		}
		if err := c.tenantAdmin(s, stack); err != nil {
			return fmt.Errorf("development accounts: %w", err)
		}
	}
	about := devJSON{
		URL: stack.url, MetricsURL: "http://" + n.ops.Addr().String() + "/metrics",
		DatabaseURL: stack.databaseURL(devstack.App), RedisURL: stack.redis.URL(),
		Issuer: stack.identity.Issuer(), APIKeys: keys,
	}
	if err := about.write(c.Dir); err != nil {
		return err
	}
	if err := about.announce(s.out, filepath.Join(c.Dir, "dev.json"), c.Empty); err != nil {
		return err
	}
	return n.serve(s)
}

// prepare brings the database up to date, with the accounts and their keys.
func (c devCommand) prepare(s surroundings, stack *devStack) (devKeys, error) {
	if err := store.Migrate(s, stack.databaseURL(devstack.Owner)); err != nil {
		return nil, err
	}
	keys, err := loadDevKeys(filepath.Join(c.Dir, "keys.json"))
	if err != nil {
		return nil, err
	}
	desk, err := openDesk(s, owner{stack.databaseURL(devstack.Owner)})
	if err != nil {
		return nil, err
	}
	defer desk.close()
	if err := ensureAccounts(s, desk.access, stack.identity.Issuer(), keys); err != nil {
		return nil, fmt.Errorf("development accounts: %w", err)
	}
	return keys, nil
}

// tenantAdmin binds the account tenant-admin to the first demo tenant.
func (c devCommand) tenantAdmin(s surroundings, stack *devStack) error {
	desk, err := openDesk(s, owner{stack.databaseURL(devstack.Owner)})
	if err != nil {
		return err
	}
	defer desk.close()
	return ensureTenantAdmin(s, desk.access, stack.identity.Issuer())
}

// devStack is all that dev runs beside the server.
type devStack struct {
	url      string
	postgres *devstack.Postgres
	redis    *devstack.Redis
	identity *devstack.Identity
}

func (d *devStack) start(s surroundings, dir string) error {
	group, ctx := errgroup.WithContext(s)
	options := devstack.Options{Dir: dir, Log: s.log}
	group.Go(func() (err error) {
		d.postgres, err = devstack.StartPostgres(ctx, options)
		return err
	})
	group.Go(func() (err error) {
		d.redis, err = devstack.StartRedis(ctx, options)
		return err
	})
	group.Go(func() (err error) {
		d.identity, err = devstack.StartIdentity(s, devstack.IdentityOptions{
			Dir: dir, Accounts: identities(), ClientID: devClient, RedirectPrefixes: []string{d.url + "/"}, Log: s.log,
		})
		return err
	})
	return group.Wait()
}

func (d *devStack) databaseURL(role string) string { return d.postgres.URL(role, devstack.Database) }

func (d *devStack) server(s surroundings, db *store.DB, n *node, master *secrets.Master) (*server.Server, error) {
	provider := auth.NewProvider(auth.ProviderOptions{
		Issuer: d.identity.Issuer(), ClientID: devClient, PublicURL: d.url,
		Client: &http.Client{Timeout: outboundTimeout}, Now: time.Now,
	})
	return server.New(server.Options{
		DB: db, Now: time.Now, Log: s.log, Registry: n.registry, Tracer: n.telemetry.Tracer(), Version: version,
		Master: master, Redis: n.redis, Provider: provider, State: n.state,
	})
}

// stop ends what was started, in the reverse order, within a bounded time.
func (d *devStack) stop(s surroundings) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s), stopTimeout)
	defer cancel()
	var errs []error
	if d.identity != nil {
		errs = append(errs, d.identity.Stop(ctx))
	}
	if d.redis != nil {
		errs = append(errs, d.redis.Stop(ctx))
	}
	if d.postgres != nil {
		errs = append(errs, d.postgres.Stop(ctx))
	}
	return errors.Join(errs...)
}

// devJSON is what .hotswap/dev.json tells other programs.
type devJSON struct {
	URL         string  `json:"url"`
	MetricsURL  string  `json:"metricsUrl"`
	DatabaseURL string  `json:"databaseUrl"`
	RedisURL    string  `json:"redisUrl"`
	Issuer      string  `json:"issuer"`
	APIKeys     devKeys `json:"apiKeys"`
}

// write puts the file in place whole: who sees it can use what it names.
func (d devJSON) write(dir string) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("write dev.json: %w", err)
	}
	return writeWhole(filepath.Join(dir, "dev.json"), append(text, '\n'))
}

// writeWhole writes a private file that is never seen half written.
func writeWhole(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}
