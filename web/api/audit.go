package api

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/web/wire"
)

// entry is one line of a tenant's audit log.
type entry struct {
	ID        string           `json:"id"`
	TenantID  string           `json:"tenantId"`
	Number    int64            `json:"number" doc:"Without gap from 0 within the tenant"`
	At        time.Time        `json:"at"`
	Actor     *models.ActorRef `json:"actor" doc:"null once erased"`
	Action    string           `json:"action"`
	Resource  string           `json:"resource"`
	Before    wire.RawJSON     `json:"before"`
	After     wire.RawJSON     `json:"after"`
	Address   string           `json:"address"`
	RequestID string           `json:"requestId"`
	LeafHash  string           `json:"leafHash" doc:"SHA-256 (RFC 6962), in hex"`
}

func showEntry(e models.Entry) entry {
	out := entry{
		ID: e.ID, TenantID: e.TenantID, Number: e.Number, At: e.At, Action: e.Action, Resource: e.Resource,
		Before: wire.Raw(e.Before), After: wire.Raw(e.After), Address: e.Address, RequestID: e.RequestID,
		LeafHash: hex.EncodeToString(e.LeafHash),
	}
	if e.Actor.ID != "" {
		out.Actor = &e.Actor
	}
	return out
}

type auditRoutes struct{ log *audit.Log }

func (r auditRoutes) register(api huma.API) {
	huma.Register(api, reads("audit.list", "/audit", tagAudit, "List who did what, newest first"), r.list)
	huma.Register(api, reads("audit.get", "/audit/{id}", tagAudit, "Show an entry of the audit log"), r.get)
}

type listEntries struct {
	wire.Paging
	TenantID string    `query:"tenantId"`
	Actor    string    `query:"actor" doc:"The actor's id"`
	Action   string    `query:"action" doc:"An action, or all of a noun: change."`
	Resource string    `query:"resource" doc:"config/<id>"`
	From     time.Time `query:"from" doc:"RFC 3339, inclusive"`
	To       time.Time `query:"to" doc:"RFC 3339, exclusive"`
}

func (r auditRoutes) list(ctx context.Context, in *listEntries) (*paged[entry], error) {
	want, err := in.Page()
	if err != nil {
		return nil, err
	}
	found, err := r.log.List(ctx, audit.Filter{
		TenantID: in.TenantID, Actor: in.Actor, Action: in.Action, Resource: in.Resource,
		From: in.From, To: in.To, Page: want,
	})
	if err != nil {
		return nil, err
	}
	return pageOf(found, showEntry), nil
}

func (r auditRoutes) get(ctx context.Context, in *idPath) (*struct{ Body entry }, error) {
	e, err := r.log.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body entry }{showEntry(e)}, nil
}
