package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web"
)

// replays say how each operation that writes is answered when the same call comes again with its Idempotency-Key. An
// operation that is not here takes no key: it writes nothing that a second call could write again.
func replays(s Services) map[string]web.Replay {
	changed := s.change(http.StatusOK)
	return map[string]web.Replay{
		"config.set":      s.live(s.config(http.StatusCreated)),
		"config.update":   s.live(s.config(http.StatusOK)),
		"config.delete":   s.live(gone),
		"config.promote":  s.live(s.config(http.StatusCreated)),
		"config.rollback": s.live(s.config(http.StatusOK)),

		"change.create":  s.change(http.StatusCreated),
		"change.edit":    changed,
		"change.submit":  changed,
		"change.cancel":  changed,
		"change.rebase":  changed,
		"change.approve": changed,
		"change.reject":  changed,

		"tenant.create":     s.live(s.tenant(http.StatusCreated)),
		"tenant.update":     s.live(s.tenant(http.StatusOK)),
		"tenant.suspend":    s.live(s.tenant(http.StatusOK)),
		"tenant.activate":   s.live(s.tenant(http.StatusOK)),
		"tenant.delete":     removed,
		"tier.create":       s.live(s.tier),
		"environment.put":   s.live(s.environment),
		"policy.put":        s.live(s.policy),
		"definition.create": s.live(s.definition(http.StatusCreated)),
		"definition.update": s.live(s.definition(http.StatusOK)),

		"api_key.create":      s.live(s.key),
		"api_key.revoke":      removed,
		"role_binding.create": s.live(s.binding),
		"role_binding.delete": removed,
		"session.revoke":      removed,
	}
}

// removed answers for what is gone.
func removed(context.Context, web.Repeat) (web.Replayed, error) {
	return web.Replayed{Status: http.StatusNoContent}, nil
}

func gone(ctx context.Context, again web.Repeat, _ models.Change) (web.Replayed, error) {
	return removed(ctx, again)
}

// rendering answers with what a call made or moved; the change is the one that did, and empty where none was needed.
type rendering func(context.Context, web.Repeat, models.Change) (web.Replayed, error)

// live answers with the change while it waits or did not come to be, and else with what the call made or moved, also
// where that was led back since.
func (s Services) live(render rendering) web.Replay {
	return func(ctx context.Context, again web.Repeat) (web.Replayed, error) {
		noun, id, _ := strings.Cut(again.Resource, "/")
		if noun != "change" {
			return render(ctx, again, models.Change{})
		}
		c, err := s.Changes.Get(ctx, id)
		if err != nil {
			return web.Replayed{}, err
		}
		if c.Status != models.ChangeDeployed && c.Status != models.ChangeRolled {
			return web.Replayed{Status: http.StatusAccepted, Body: waiting{showChange(c)}}, nil
		}
		return render(ctx, again, c)
	}
}

// idOf is the second part of "noun/id".
func idOf(again web.Repeat) string {
	_, id, _ := strings.Cut(again.Resource, "/")
	return id
}

// at is the address of what a call made, and of nothing else.
func at(status int, collection, name string) string {
	if status != http.StatusCreated {
		return ""
	}
	return pathTo(collection, name)
}

func (s Services) change(status int) web.Replay {
	return func(ctx context.Context, again web.Repeat) (web.Replayed, error) {
		c, err := s.Changes.Get(ctx, idOf(again))
		if err != nil {
			return web.Replayed{}, err
		}
		return web.Replayed{
			Status: status, Location: at(status, "changes", c.ID), ETag: c.Tag(), Body: showChange(c),
		}, nil
	}
}

func (s Services) config(status int) rendering {
	return func(ctx context.Context, _ web.Repeat, by models.Change) (web.Replayed, error) {
		if len(by.Items) == 0 {
			return web.Replayed{}, models.NotFound("config")
		}
		c, err := s.Configs.Get(ctx, by.Items[0].ConfigID)
		if err != nil {
			return web.Replayed{}, err
		}
		return web.Replayed{
			Status: status, Location: at(status, "configs", c.ID), ETag: models.VersionTag(c.Version), Body: showConfig(c),
		}, nil
	}
}

func (s Services) tenant(status int) rendering {
	return func(ctx context.Context, again web.Repeat, _ models.Change) (web.Replayed, error) {
		id := again.Param("tenantId")
		if id == "" {
			id = again.Layer
		}
		t, err := s.Tenants.Get(ctx, id)
		if err != nil {
			return web.Replayed{}, err
		}
		return web.Replayed{Status: status, Location: at(status, "tenants", t.ID), ETag: t.Tag(), Body: showTenant(t)}, nil
	}
}

func (s Services) tier(ctx context.Context, again web.Repeat, _ models.Change) (web.Replayed, error) {
	t, err := s.Tenants.Get(ctx, again.Layer)
	if err != nil {
		return web.Replayed{}, err
	}
	return web.Replayed{Status: http.StatusCreated, Location: pathTo("tenants", t.ID), ETag: t.Tag(), Body: showTier(t)}, nil
}

// environment answers 201: where one was there already, nothing was written.
func (s Services) environment(ctx context.Context, again web.Repeat, _ models.Change) (web.Replayed, error) {
	all, err := s.Tenants.Environments(ctx)
	if err != nil {
		return web.Replayed{}, err
	}
	i := slices.IndexFunc(all, func(e models.Environment) bool { return e.Name == again.Param("environment") })
	if i < 0 {
		return web.Replayed{}, models.NotFound("environment")
	}
	return web.Replayed{
		Status: http.StatusCreated, Location: pathTo("environments", all[i].Name), Body: showEnvironment(all[i]),
	}, nil
}

func (s Services) policy(ctx context.Context, again web.Repeat, _ models.Change) (web.Replayed, error) {
	in := putPolicy{Environment: again.Param("environment"), Tier: again.Query.Get("tier")}
	p, err := policyRoutes{s.Tenants}.present(ctx, &in)
	if err != nil {
		return web.Replayed{}, err
	}
	tiers, err := s.Tenants.Tiers(ctx)
	if err != nil {
		return web.Replayed{}, err
	}
	return web.Replayed{Status: http.StatusOK, ETag: p.Tag(), Body: showPolicy(p, tiers)}, nil
}

func (s Services) definition(status int) rendering {
	return func(ctx context.Context, again web.Repeat, by models.Change) (web.Replayed, error) {
		layer, key := again.Layer, idOf(again)
		if len(by.Items) > 0 {
			layer, key = by.TenantID, by.Items[0].Key
		}
		d, err := s.Definitions.Get(ctx, layer, key)
		if err != nil {
			return web.Replayed{}, err
		}
		out := web.Replayed{Status: status, ETag: d.Tag(), Body: showDefinition(d)}
		if status == http.StatusCreated {
			out.Location = pathTo("definitions", d.Key) + "?tenantId=" + url.QueryEscape(d.TenantID)
		}
		return out, nil
	}
}

// key shows all of an API key but its text: that was shown once.
func (s Services) key(ctx context.Context, again web.Repeat, _ models.Change) (web.Replayed, error) {
	k, err := s.Access.Key(ctx, idOf(again))
	if err != nil {
		return web.Replayed{}, err
	}
	people, err := s.Access.Directory(ctx)
	if err != nil {
		return web.Replayed{}, err
	}
	k.CreatedBy = people.Name(k.CreatedBy)
	return web.Replayed{Status: http.StatusCreated, Location: pathTo("api-keys", k.ID), Body: showKey(k)}, nil
}

func (s Services) binding(ctx context.Context, again web.Repeat, _ models.Change) (web.Replayed, error) {
	b, err := s.Access.Binding(ctx, idOf(again))
	if err != nil {
		return web.Replayed{}, err
	}
	people, err := s.Access.Directory(ctx)
	if err != nil {
		return web.Replayed{}, err
	}
	return web.Replayed{Status: http.StatusCreated, Location: pathTo("role-bindings", b.ID), Body: showBinding(b, people)}, nil
}
