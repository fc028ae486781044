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

func registerOverview(r *web.Console, d desk) {
	r.Page("/", d.overview)
	r.Poll("/overview/vitals", d.vitals)
}

// How many changes the overview names.
const (
	overviewMine   = 5
	overviewOpen   = 5
	overviewRecent = 8
)

// overview is the first page.
func (d desk) overview(c echo.Context) error {
	ctx := c.Request().Context()
	actor, _ := models.ActorFrom(ctx)
	view := views.Overview{
		MayChanges: len(actor.Places(models.PermViewChanges)) > 0, Decides: len(actor.Places(models.PermDecide)) > 0,
	}
	if view.MayChanges {
		if err := d.overviewChanges(ctx, actor, &view); err != nil {
			return err
		}
	}
	if seesNode(actor) {
		view.Vitals = d.nodeVitals(ctx)
	}
	return d.pages.Render(c, http.StatusOK, views.Page{Title: "Overview", Main: views.OverviewMain(view), Plots: view.Vitals != nil})
}

func (d desk) overviewChanges(ctx context.Context, actor models.Actor, view *views.Overview) error {
	mine, more, err := d.queue(ctx, changes.QueueMine, models.Page{Limit: overviewMine})
	if err != nil {
		return err
	}
	view.Mine, view.MoreMine = mine, more != ""
	open, err := d.Changes.List(ctx, changes.Filter{Author: actor.ID, Open: true, Page: models.Page{Limit: overviewOpen}})
	if err != nil {
		return err
	}
	recent, err := d.Changes.List(ctx, changes.Filter{Page: models.Page{Limit: overviewRecent}})
	view.Open, view.Recent = open.Items, recent.Items
	return err
}

// vitals is how the node does at this moment.
func (d desk) vitals(c echo.Context) error {
	ctx := c.Request().Context()
	if actor, _ := models.ActorFrom(ctx); !seesNode(actor) {
		return models.Forbidden("figures of the whole installation are for who sees all tenants")
	}
	main := views.VitalsMain(*d.nodeVitals(ctx))
	return d.pages.Render(c, http.StatusOK, views.Page{Title: "This node", Main: main, Plots: true})
}

// seesNode tells who may see figures that are about all tenants at once.
func seesNode(a models.Actor) bool { return a.Can(models.PermViewConfigs, models.Platform, "") }

// nodeVitals never fails: that something does not answer is what it tells.
func (d desk) nodeVitals(ctx context.Context) *views.Vitals {
	var seconds []views.VitalSecond
	for _, s := range d.Snapshots.Vitals() {
		seconds = append(seconds, views.VitalSecond{At: s.At, Reads: s.Reads, Hits: s.Hits, P99: s.P99})
	}
	jobs, err := d.Jobs(ctx)
	return views.NewVitals(seconds, views.StoresNow{
		Database: d.Ping(ctx) == nil, HasRedis: d.Redis != nil, Redis: d.Redis != nil && d.Redis(ctx) == nil,
	}, views.JobsNow{
		Waiting: jobs.Waiting, Running: jobs.Running, Oldest: jobs.Oldest, Known: err == nil,
	})
}
