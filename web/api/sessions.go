package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/web/wire"
)

// session is somebody signed in at the console.
type session struct {
	ID         string          `json:"id"`
	Person     models.ActorRef `json:"person"`
	Address    string          `json:"address" doc:"From which it was begun"`
	UserAgent  string          `json:"userAgent"`
	CreatedAt  time.Time       `json:"createdAt"`
	LastSeenAt time.Time       `json:"lastSeenAt" doc:"To the minute"`
	ExpiresAt  time.Time       `json:"expiresAt" doc:"When it ends if it is not used any more"`
	Current    bool            `json:"current" doc:"Whether it makes this call; never, for the API knows no sessions"`
}

func showSession(m models.Session, people *access.Directory) session {
	return session{
		ID: m.ID, Person: people.Name(models.ActorRef{ID: m.PersonID, Kind: models.ActorPerson}),
		Address: m.Address, UserAgent: m.UserAgent,
		CreatedAt: m.CreatedAt.UTC(), LastSeenAt: m.SeenAt.UTC(), ExpiresAt: m.Ends().UTC(),
	}
}

type sessionRoutes struct{ access *access.Service }

func (r sessionRoutes) register(api huma.API) {
	huma.Register(api, reads("session.list", "/sessions", tagAccess, "List who is signed in at the console"), r.list)
	huma.Register(api, removes("session.revoke", "/sessions/{sessionId}", tagAccess, "End a session"), r.revoke)
}

type listSessions struct {
	wire.Paging
	PersonID string `query:"personId" doc:"Everybody if it is not given; the caller for who may not view the access of all tenants"`
}

func (r sessionRoutes) list(ctx context.Context, in *listSessions) (*paged[session], error) {
	want, err := in.Page()
	if err != nil {
		return nil, err
	}
	found, err := r.access.ListSessions(ctx, access.SessionFilter{PersonID: in.PersonID, Page: want})
	if err != nil {
		return nil, err
	}
	people, err := r.access.Directory(ctx)
	if err != nil {
		return nil, err
	}
	return pageOf(found, func(m models.Session) session { return showSession(m, people) }), nil
}

type sessionPath struct {
	SessionID string `path:"sessionId"`
}

func (r sessionRoutes) revoke(ctx context.Context, in *sessionPath) (*struct{}, error) {
	return nil, r.access.RevokeSession(ctx, in.SessionID)
}
