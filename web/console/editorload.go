package console

import (
	"context"
	"errors"
	"slices"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/services/tenants"
	"github.com/hotswap/hotswap/views"
)

// editor loads what the form is about: the key as it is live now, or what there is to choose for a new one.
// not_found: no such tenant or environment; forbidden: it may be seen but not edited.
func (d desk) editor(ctx context.Context, tenantID string, in views.EditorForm) (e views.Editor, err error) {
	actor, _ := models.ActorFrom(ctx)
	if err := actor.Require(models.PermEditConfigs, "tenant", tenantID, in.Environment); err != nil {
		return e, err
	}
	view, err := d.keyOrNone(ctx, tenantID, in.Key)
	if err != nil {
		return e, err
	}
	policies, err := d.Tenants.Policies(ctx, tenants.PolicyFilter{})
	if err != nil {
		return e, err
	}
	e = views.Editor{Tenant: view.Tenant, Definition: view.Definition, Overrides: view.Overrides.Count, Form: in}
	if e.Heirs, err = d.heirs(ctx, view.Tenant, actor); err != nil {
		return e, err
	}
	places := editorPlaces(view, policies, actor)
	i := slices.IndexFunc(places, func(p views.EditorPlace) bool { return p.Environment == in.Environment || in.Environment == "" })
	if i < 0 {
		return e, models.NotFound("environment")
	}
	e.Place = places[i]
	if e.IsNew() {
		e.Choices = places
	}
	return e, nil
}

// keyOrNone is the key as it is live now; one that is not there has all environments without a value.
func (d desk) keyOrNone(ctx context.Context, tenantID, key string) (view configs.KeyView, err error) {
	if models.ValidKey(key) {
		view, err = d.Configs.KeyView(ctx, tenantID, key)
		if e, ok := errors.AsType[*models.Error](err); !ok || e.Code != models.CodeNotFound {
			return view, err
		}
	}
	tenant, err := d.Tenants.Get(ctx, tenantID)
	if err != nil {
		return view, err
	}
	all, err := d.Tenants.Environments(ctx)
	view = configs.KeyView{Tenant: tenant, Key: key}
	for _, e := range all {
		view.Places = append(view.Places, configs.KeyPlace{Environment: e.Name})
	}
	return view, err
}

// editorPlaces are the environments that the actor may edit.
func editorPlaces(view configs.KeyView, policies []models.Policy, actor models.Actor) []views.EditorPlace {
	var out []views.EditorPlace
	for _, p := range view.Places {
		if !actor.Can(models.PermEditConfigs, view.Tenant.ID, p.Environment) {
			continue
		}
		place := views.EditorPlace{
			Environment: p.Environment, Stages: views.StagesIn(policies, view.Tenant, p.Environment),
			Set: p.Set, Own: p.Own, Masked: p.Masked, Value: p.Value, AsSet: p.AsSet, Layer: p.Layer, Version: p.Version,
			LockedBy: p.LockedBy, Author: p.Author, LayerKey: p.Set && actor.Can(models.PermViewConfigs, p.Layer, ""),
			Merged: slices.ContainsFunc(p.Hides, func(h configs.HiddenValue) bool { return h.Why == configs.WhyMerged }),
		}
		if n := len(p.Hides); p.Own && n > 0 {
			below := p.Hides[n-1]
			place.Below = &views.EditorValue{Value: below.Value, Masked: below.Masked, Layer: below.Layer}
		}
		out = append(out, place)
	}
	return out
}
