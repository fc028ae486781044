package snapshots

import (
	"context"
	"errors"
	"log/slog"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
)

// readable is what resolved values come to for those who read them.
type readable struct {
	values   []configs.Resolved
	withheld []string // keys that they do not get
	reveals  bool     // sensitive values are among them, in clear
	unopened int      // sensitive values that did not open
}

// readable leaves sensitive values out, or opens them for who may read secrets. One that does not open is left out,
// too. unavailable: the keys to open them are out of reach for now.
func (s *Service) readable(ctx context.Context, resolved []configs.Resolved, inClear bool) (out readable, err error) {
	out.values = resolved[:0]
	for _, r := range resolved {
		ok := !r.Sensitive
		if r.Sensitive && inClear {
			if r, ok, err = s.opened(ctx, r); err != nil {
				return readable{}, err
			}
			out.reveals = out.reveals || ok
			if !ok {
				out.unopened++
			}
		}
		if ok {
			out.values = append(out.values, r)
		} else {
			out.withheld = append(out.withheld, r.Key)
		}
	}
	return out, nil
}

// opened is the value in clear; false when it does not open, which is counted and logged.
func (s *Service) opened(ctx context.Context, r configs.Resolved) (configs.Resolved, bool, error) {
	if !r.Value.IsSealed() {
		return r, true, nil
	}
	secret, err := s.secrets.Reveal(ctx, r.Layer, r.Key, r.Value, r.Sealed)
	switch {
	case isUnavailable(err) || errors.Is(err, context.Canceled):
		return r, false, err
	case err != nil:
		s.log.ErrorContext(ctx, "a sensitive value does not open", slog.String("layer", r.Layer), slog.String("key", r.Key), slog.Any("error", err))
		return r, false, nil
	}
	clear := *r.Entry // the entry belongs to the layer set, which keeps nothing in clear
	clear.Value, clear.Sealed = secret.Reveal(), nil
	r.Entry = &clear
	return r, true, nil
}

// differ tells whether two values of a key are not the same; none differs from any, and so does one that does not open.
func (s *Service) differ(ctx context.Context, a, b *configs.Resolved) bool {
	switch {
	case a == nil || b == nil:
		return a != b
	case !a.Value.IsSealed() && !b.Value.IsSealed():
		return a.Value != b.Value
	case a.Layer == b.Layer && a.Value.IsSealed() && b.Value.IsSealed():
		return !models.Same(a.Value, b.Value) // one layer commits to its values under one key
	}
	x, xOpens, _ := s.opened(ctx, *a)
	y, yOpens, _ := s.opened(ctx, *b)
	return !xOpens || !yOpens || x.Value != y.Value
}
