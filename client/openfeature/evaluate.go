package openfeature

import (
	"context"
	"errors"

	of "github.com/open-feature/go-sdk/openfeature"

	hotswap "github.com/hotswap/hotswap/client"
)

// BooleanEvaluation evaluates a flag of type boolean.
func (p *Provider) BooleanEvaluation(_ context.Context, flag string, otherwise bool, _ of.FlattenedContext) of.BoolResolutionDetail {
	return resolve(p, flag, otherwise, hotswap.Lookup[bool])
}

// StringEvaluation evaluates a flag of type string.
func (p *Provider) StringEvaluation(_ context.Context, flag, otherwise string, _ of.FlattenedContext) of.StringResolutionDetail {
	return resolve(p, flag, otherwise, hotswap.Lookup[string])
}

// FloatEvaluation evaluates a flag of type number, as near as a float64 comes to it.
func (p *Provider) FloatEvaluation(_ context.Context, flag string, otherwise float64, _ of.FlattenedContext) of.FloatResolutionDetail {
	return resolve(p, flag, otherwise, hotswap.Lookup[float64])
}

// IntEvaluation evaluates a flag of type number; one that is no whole number is of another type.
func (p *Provider) IntEvaluation(_ context.Context, flag string, otherwise int64, _ of.FlattenedContext) of.IntResolutionDetail {
	return resolve(p, flag, otherwise, hotswap.Lookup[int64])
}

// ObjectEvaluation evaluates a flag of type json: an object or a list, with numbers as float64, the caller's own copy.
func (p *Provider) ObjectEvaluation(_ context.Context, flag string, otherwise any, _ of.FlattenedContext) of.InterfaceResolutionDetail {
	return resolve(p, flag, otherwise, structure)
}

func structure(from hotswap.Source, flag string) (any, error) {
	var out any
	if err := from.Snapshot().JSON(flag, &out); err != nil {
		return nil, err
	}
	switch out.(type) {
	case map[string]any, []any:
		return out, nil
	default:
		return nil, hotswap.ErrType
	}
}

func resolve[T any](p *Provider, flag string, otherwise T, lookup func(hotswap.Source, string) (T, error)) of.GenericResolutionDetail[T] {
	held := p.client.Snapshot()
	value, err := lookup(held, flag)
	if err != nil {
		return of.GenericResolutionDetail[T]{
			Value:                    otherwise,
			ProviderResolutionDetail: of.ProviderResolutionDetail{ResolutionError: failure(held, flag, err), Reason: of.ErrorReason},
		}
	}
	reason := of.StaticReason
	if p.client.Stale() {
		reason = of.CachedReason
	}
	return of.GenericResolutionDetail[T]{
		Value:                    value,
		ProviderResolutionDetail: of.ProviderResolutionDetail{Reason: reason, FlagMetadata: of.FlagMetadata{"revision": held.Revision()}},
	}
}

// failure says which error of OpenFeature it is.
func failure(held *hotswap.Snapshot, flag string, err error) of.ResolutionError {
	switch {
	case held.Revision() == "":
		return of.NewProviderNotReadyResolutionError("nothing is known yet")
	case errors.Is(err, hotswap.ErrNotFound):
		return of.NewFlagNotFoundResolutionError("no key " + flag)
	default:
		return of.NewTypeMismatchResolutionError("the value of " + flag + " is of another type")
	}
}
