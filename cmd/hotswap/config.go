package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/hotswap/hotswap/web/pace"
)

// settings are the environment of `hotswap serve`.
type settings struct {
	DatabaseURL      string `env:"HOTSWAP_DATABASE_URL"`
	OIDCIssuer       string `env:"HOTSWAP_OIDC_ISSUER"`
	OIDCClientID     string `env:"HOTSWAP_OIDC_CLIENT_ID"`
	OIDCClientSecret string `env:"HOTSWAP_OIDC_CLIENT_SECRET"`
	PublicURL        string `env:"HOTSWAP_PUBLIC_URL"`
	Listen           string `env:"HOTSWAP_LISTEN"     envDefault:":8080"`
	OpsListen        string `env:"HOTSWAP_OPS_LISTEN" envDefault:"127.0.0.1:9090"`
	TLSCert          string `env:"HOTSWAP_TLS_CERT"`
	TLSKey           string `env:"HOTSWAP_TLS_KEY"`
	MasterKey        string `env:"HOTSWAP_MASTER_KEY"`
	OtherMasterKey   string `env:"HOTSWAP_MASTER_KEY_OTHER"`
	RedisURL         string `env:"HOTSWAP_REDIS_URL"`
	CacheTTL         string `env:"HOTSWAP_CACHE_TTL"  envDefault:"5m"`
	CacheSize        string `env:"HOTSWAP_CACHE_SIZE" envDefault:"256MiB"`
	StateDir         string `env:"HOTSWAP_STATE_DIR"`
	MaxStale         string `env:"HOTSWAP_MAX_STALE"  envDefault:"24h"`

	RateReads       string `env:"HOTSWAP_RATE_READS"       envDefault:"off"`
	RatePast        string `env:"HOTSWAP_RATE_PAST"        envDefault:"5/s"`
	RateCalls       string `env:"HOTSWAP_RATE_CALLS"       envDefault:"2000/s"`
	RateCredentials string `env:"HOTSWAP_RATE_CREDENTIALS" envDefault:"20/s"`
	RateSignIns     string `env:"HOTSWAP_RATE_SIGN_IN"     envDefault:"30/m"`

	Streams   streamSettings
	Telemetry telemetrySettings

	limits    pace.Limits
	masters   masterKeys // what MasterKey and OtherMasterKey name
	cacheTTL  time.Duration
	cacheSize int64 // bytes
	maxStale  time.Duration
}

// readSettings returns what serve is to do, or every complaint about it at once. No complaint repeats a value.
func readSettings(ctx context.Context) (settings, error) {
	var s settings
	if err := env.Parse(&s); err != nil {
		return s, usageError{err}
	}
	var badMaster, badTTL, badSize, badRates, badStale error
	s.limits, badRates = s.readRates()
	s.cacheTTL, badTTL = readCacheTTL("HOTSWAP_CACHE_TTL", s.CacheTTL)
	s.cacheSize, badSize = readCacheSize("HOTSWAP_CACHE_SIZE", s.CacheSize)
	s.maxStale, badStale = readMaxStale("HOTSWAP_MAX_STALE", s.MaxStale)
	s.masters, badMaster = openMasterKeys(ctx, s.MasterKey, s.OtherMasterKey)
	if err := errors.Join(
		checkDatabaseURL("HOTSWAP_DATABASE_URL", s.DatabaseURL),
		checkURL("HOTSWAP_OIDC_ISSUER", s.OIDCIssuer),
		checkSet("HOTSWAP_OIDC_CLIENT_ID", s.OIDCClientID),
		checkPublicURL("HOTSWAP_PUBLIC_URL", s.PublicURL),
		checkListen("HOTSWAP_LISTEN", s.Listen),
		checkListen("HOTSWAP_OPS_LISTEN", s.OpsListen),
		checkTLS(s.TLSCert, s.TLSKey),
		badMaster,
		checkRedisURL("HOTSWAP_REDIS_URL", s.RedisURL),
		badTTL,
		badSize,
		badRates,
		s.Streams.check(),
		checkStateDir("HOTSWAP_STATE_DIR", s.StateDir),
		badStale,
		s.Telemetry.check(),
	); err != nil {
		return s, usageError{fmt.Errorf("the configuration is not complete:\n%w", err)}
	}
	return s, nil
}

func checkSet(name, value string) error {
	if value == "" {
		return errors.New(name + " is required")
	}
	return nil
}

func checkDatabaseURL(name, value string) error {
	if err := checkSet(name, value); err != nil {
		return err
	}
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || u.Host == "" {
		return errors.New(name + " is not of the form postgres://user:password@host:port/database")
	}
	return nil
}

func checkURL(name, value string) error {
	if err := checkSet(name, value); err != nil {
		return err
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || (u.Scheme != "https" && !loopback(u)) {
		return errors.New(name + " is not an https:// URL")
	}
	return nil
}

// checkPublicURL asks for the address of the console alone: its cookies are for a whole host.
func checkPublicURL(name, value string) error {
	if err := checkURL(name, value); err != nil {
		return err
	}
	u, err := url.Parse(value)
	if err != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return errors.New(name + " is not of the form https://host, without a path")
	}
	return nil
}

// loopback tells whether plain http stays on this machine.
func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

func checkListen(name, value string) error {
	if _, _, err := net.SplitHostPort(value); err != nil {
		return errors.New(name + " is not of the form host:port")
	}
	return nil
}

func checkTLS(cert, key string) error {
	switch {
	case cert == "" && key == "":
		return nil
	case cert == "" || key == "":
		return errors.New("HOTSWAP_TLS_CERT and HOTSWAP_TLS_KEY belong together")
	}
	if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
		return fmt.Errorf("HOTSWAP_TLS_CERT and HOTSWAP_TLS_KEY cannot be used: %w", err)
	}
	return nil
}
