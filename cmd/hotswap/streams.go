package main

import (
	"errors"

	"github.com/hotswap/hotswap/web/read"
)

// streamSettings are how many streams the node takes.
type streamSettings struct {
	Max       int `env:"HOTSWAP_STREAMS_MAX"         envDefault:"20000"`
	PerTenant int `env:"HOTSWAP_STREAMS_PER_TENANT"  envDefault:"15000"`
	Everybody int `env:"HOTSWAP_STREAMS_ALL_TENANTS" envDefault:"2000"`
	PerSecond int `env:"HOTSWAP_STREAMS_PER_SECOND"  envDefault:"2000"`
}

func (s streamSettings) check() error {
	if min(s.Max, s.PerTenant, s.Everybody, s.PerSecond) < 1 {
		return errors.New("HOTSWAP_STREAMS_MAX, _PER_TENANT, _ALL_TENANTS and _PER_SECOND are at least 1")
	}
	return nil
}

func (s streamSettings) limits() read.StreamLimits {
	return read.StreamLimits{Node: s.Max, Tenant: s.PerTenant, Layers: s.Everybody, PerSecond: s.PerSecond}
}
