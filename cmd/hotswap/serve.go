package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/hotswap/hotswap/cmd/hotswap/server"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/web/auth"
)

// outboundTimeout bounds every call that we make to others.
const outboundTimeout = 5 * time.Second

type serveCommand struct{}

// Run serves until the process is asked to stop.
func (serveCommand) Run(s surroundings) error {
	cfg, err := readSettings()
	if err != nil {
		return err
	}
	db, err := store.Open(s, store.Options{URL: cfg.DatabaseURL, Log: s.log})
	if err != nil {
		return err
	}
	defer db.Close()
	n := &node{cert: cfg.TLSCert, key: cfg.TLSKey, registry: newRegistry(), log: s.log}
	provider := auth.NewProvider(auth.ProviderOptions{
		Issuer: cfg.OIDCIssuer, ClientID: cfg.OIDCClientID, ClientSecret: cfg.OIDCClientSecret, PublicURL: cfg.PublicURL,
		Client: &http.Client{Timeout: outboundTimeout}, Now: time.Now,
	})
	n.server, err = server.New(server.Options{
		DB: db, Now: time.Now, Log: s.log, Registry: n.registry, Version: version, Provider: provider,
	})
	if err != nil {
		return err
	}
	if n.api, err = listen(s, cfg.Listen); err != nil {
		return err
	}
	if n.ops, err = listen(s, cfg.OpsListen); err != nil {
		return err
	}
	s.log.InfoContext(s, "serving", "listen", fmt.Sprint(n.api.Addr()), "ops", fmt.Sprint(n.ops.Addr()), "version", version)
	return n.serve(s)
}
