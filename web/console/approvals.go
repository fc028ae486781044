package console

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/web"
)

func registerApprovals(r *web.Console, d desk) {
	r.Page("/approvals", d.approvals)
}

// approvals is one of the queues: mine, others or decided.
func (d desk) approvals(c echo.Context) error {
	view := views.Approvals{Tab: c.QueryParam("tab"), Cursor: c.QueryParam("cursor")}
	if view.Tab == "" {
		view.Tab = views.TabMine
	}
	page, err := models.NewPage(models.DefaultLimit, view.Cursor)
	if err != nil {
		return err
	}
	view.Items, view.Next, err = d.queue(c.Request().Context(), changes.QueueKind(view.Tab), page)
	if err != nil {
		return err
	}
	return d.pages.Render(c, http.StatusOK, views.Page{Title: "Approvals", Main: views.ApprovalsMain(view)})
}

// queue is a page of a queue, and the cursor of the next.
func (d desk) queue(ctx context.Context, kind changes.QueueKind, page models.Page) ([]views.QueueItem, string, error) {
	list, err := d.Changes.Queue(ctx, kind, page)
	if err != nil {
		return nil, "", err
	}
	out := make([]views.QueueItem, len(list.Items))
	for i, q := range list.Items {
		out[i] = views.QueueItem{Change: q.Change, Why: q.Why, Decision: q.Decision, Mine: kind == changes.QueueMine}
	}
	return out, list.Next, nil
}
