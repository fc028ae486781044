package read

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/pace"
)

// PacePast bounds how often each credential reads the past, for Postgres answers it, not memory: rate_limited. All
// operations that do share one. The limit and the share are the caller's.
func PacePast(now func() time.Time, o pace.Options) func(context.Context) error {
	o.Kind, o.AtOnce, o.Message = "past", true, "the past was asked for too often; please wait a moment"
	p := pace.New(o)
	return func(ctx context.Context) error {
		actor, _ := models.ActorFrom(ctx) // whoever comes here was let in
		return p.Check(ctx, actor.Credential(), now())
	}
}

// instant is the one that the caller asks for; nil for now.
func instant(c echo.Context) (*time.Time, error) {
	text, err := param(c, "at")
	if err != nil {
		return nil, err
	}
	if !given(c, "at") {
		return nil, nil //nolint:nilnil // no instant is no error
	}
	if given(c, "unit") {
		return nil, models.Invalid("/unit", "the past is that of the stable side: unit and at exclude each other")
	}
	at, err := models.ParseInstant(text, "/at")
	return &at, err
}
