package hotswap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
)

// allTenants is where a role of a key is held that is for all of them.
const allTenants = "@platform"

// place is whose configuration is read, and of which environment. What the options leave out is that of the key, which
// the server knows.
type place struct {
	wire *wire

	mu                  sync.Mutex
	tenant, environment string
}

// get asks the server for what is not known yet.
func (p *place) get(ctx context.Context) (tenant, environment string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tenant == "" || p.environment == "" {
		if err := p.ask(ctx); err != nil {
			return "", "", err
		}
	}
	return p.tenant, p.environment, nil
}

// known is what get has found out by now.
func (p *place) known() (tenant, environment string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tenant, p.environment
}

func (p *place) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	r, err := p.wire.request(ctx, http.MethodGet, "/me", nil, nil)
	if err != nil {
		return err
	}
	got, err := p.wire.call(r)
	if err != nil {
		return err
	}
	var me struct {
		Roles []struct {
			TenantID    string  `json:"tenantId"`
			Environment *string `json:"environment"`
		} `json:"roles"`
	}
	if err := json.Unmarshal(got.data, &me); err != nil {
		return fmt.Errorf("read what the key is for: %w", err)
	}
	tenant, environment := p.tenant, p.environment
	for _, role := range me.Roles {
		if tenant == "" && role.TenantID != allTenants {
			tenant = role.TenantID
		}
		if environment == "" && role.Environment != nil {
			environment = *role.Environment
		}
	}
	if tenant == "" || environment == "" || len(me.Roles) > 1 {
		return errors.New("hotswap: the key is not for one tenant and one environment: name both in the options")
	}
	p.tenant, p.environment = tenant, environment
	return nil
}

// query is what a read or a stream is asked with.
func query(environment, unit string) url.Values {
	q := url.Values{"environment": {environment}}
	if unit != "" {
		q.Set("unit", unit)
	}
	return q
}
