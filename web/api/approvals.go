package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/web/wire"
)

type approvalRoutes struct{ changes *changes.Service }

func (r approvalRoutes) register(api huma.API) {
	huma.Register(api, reads("approval.list", "/approvals", tagChanges, "List the changes that you may decide now"), r.list)
	huma.Register(api, acts(http.MethodPost, "change.approve", "/approvals/{changeId}/approve", tagChanges,
		"Approve a change as you saw it", http.StatusConflict), r.approve)
	huma.Register(api, acts(http.MethodPost, "change.reject", "/approvals/{changeId}/reject", tagChanges,
		"Reject a change as you saw it", http.StatusConflict), r.reject)
}

func (r approvalRoutes) list(ctx context.Context, in *wire.Paging) (*paged[change], error) {
	want, err := in.Page()
	if err != nil {
		return nil, err
	}
	found, err := r.changes.Approvals(ctx, want)
	if err != nil {
		return nil, err
	}
	return pageOf(found, showChange), nil
}

type decide struct {
	ChangePath
	Body struct {
		Digest  string `json:"digest" doc:"Of the change as you saw it"`
		Comment string `json:"comment,omitempty"`
	}
}

func (r approvalRoutes) approve(ctx context.Context, in *decide) (*single[change], error) {
	return r.decide(ctx, in, models.Approve)
}

func (r approvalRoutes) reject(ctx context.Context, in *decide) (*single[change], error) {
	return r.decide(ctx, in, models.Reject)
}

func (r approvalRoutes) decide(ctx context.Context, in *decide, v models.Verdict) (*single[change], error) {
	c, err := r.changes.Decide(ctx, changes.Decide{
		ChangeID: in.ChangeID, Verdict: v, Digest: in.Body.Digest, Comment: in.Body.Comment,
	})
	return oneChange(c, err)
}
