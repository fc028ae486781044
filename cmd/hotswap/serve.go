package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/hotswap/hotswap/cmd/hotswap/server"
	"github.com/hotswap/hotswap/web/auth"
)

// outboundTimeout bounds every call that we make to others.
const outboundTimeout = 5 * time.Second

type serveCommand struct{}

// Run serves until the process is asked to stop.
func (serveCommand) Run(s surroundings) error {
	cfg, err := readSettings(s)
	if err != nil {
		return err
	}
	if err := cfg.masters.key.Check(s); err != nil {
		return fmt.Errorf("HOTSWAP_MASTER_KEY: %w", err)
	}
	n, err := newNode(s, cfg.Telemetry)
	if err != nil {
		return err
	}
	defer stopTelemetry(s, n.telemetry)
	n.cert, n.key = cfg.TLSCert, cfg.TLSKey
	if err := n.openState(s, cfg.StateDir); err != nil {
		return err
	}
	defer n.state.Close()
	db, err := n.database(s, cfg.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := n.openRedis(s, cfg.RedisURL, cfg.cacheTTL); err != nil {
		return err
	}
	defer n.redis.Close()
	provider := auth.NewProvider(auth.ProviderOptions{
		Issuer: cfg.OIDCIssuer, ClientID: cfg.OIDCClientID, ClientSecret: cfg.OIDCClientSecret, PublicURL: cfg.PublicURL,
		Client: &http.Client{Timeout: outboundTimeout}, Now: time.Now,
	})
	n.server, err = server.New(server.Options{
		DB: db, Now: time.Now, Log: s.log, Registry: n.registry, Tracer: n.telemetry.Tracer(), Version: version,
		Master: cfg.masters.key, OtherMaster: cfg.masters.other, Redis: n.redis, Provider: provider, Limits: &cfg.limits,
		Streams: cfg.Streams.limits(),
		State:   n.state, MaxStale: cfg.maxStale, CacheBytes: cfg.cacheSize,
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
