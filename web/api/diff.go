package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/web/wire"
)

// diff is what became different between two versions of a config.
type diff struct {
	From       int64       `json:"from" doc:"The number of a version"`
	To         int64       `json:"to" doc:"The number of a version"`
	Equal      bool        `json:"equal" doc:"Also of values that are not shown to the caller"`
	Masked     bool        `json:"masked" doc:"The values are not shown to the caller: operations and text are empty"`
	Operations []operation `json:"operations" doc:"JSON Patch (RFC 6902) that makes the value of to of that of from"`
	Text       string      `json:"text" doc:"Unified diff of the indented JSON; empty when the values are equal"`
}

// operation is one step of a JSON Patch.
type operation struct {
	Op    string       `json:"op" enum:"add,remove,replace"`
	Path  string       `json:"path"`
	Value wire.RawJSON `json:"value,omitempty"`
}

func showDiff(d configs.Diff) diff {
	out := diff{
		From: d.From.Number, To: d.To.Number, Equal: d.Equal, Masked: d.Masked, Text: d.Text,
		Operations: make([]operation, len(d.Operations)),
	}
	for i, o := range d.Operations {
		out.Operations[i] = operation{Op: o.Op, Path: o.Path}
		if o.Value != "" {
			out.Operations[i].Value = wire.Raw(o.Value)
		}
	}
	return out
}

type diffRoutes struct{ configs *configs.Service }

func (r diffRoutes) register(api huma.API) {
	huma.Register(api, reads("version.diff", "/configs/{configId}/diff", tagConfigs, "Compare two versions of a config"), r.get)
}

type getDiff struct {
	ConfigPath
	From int64 `query:"from" required:"true" doc:"The number of a version"`
	To   int64 `query:"to" required:"true" doc:"The number of a version"`
}

// diffed is the answer.
type diffed struct{ Body diff }

func (r diffRoutes) get(ctx context.Context, in *getDiff) (*diffed, error) {
	d, err := r.configs.Diff(ctx, in.ConfigID, in.From, in.To)
	if err != nil {
		return nil, err
	}
	return &diffed{showDiff(d)}, nil
}
