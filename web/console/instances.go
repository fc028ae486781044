package console

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/deployments"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/web"
)

func registerInstances(r *web.Console, d desk) { r.Page("/instances", d.instances) }

// instances is the list of instances, narrowed as the filters say. What is wrong with them is said in its place.
func (d desk) instances(c echo.Context) error {
	ctx, status := c.Request().Context(), http.StatusOK
	view := views.Instances{Query: instanceQuery(c)}
	page, err := models.NewPage(models.DefaultLimit, view.Query.Cursor)
	if err != nil {
		return err
	}
	list, err := d.Instances.List(ctx, deployments.InstanceFilter{TenantID: view.Query.TenantID, Environment: view.Query.Environment, Page: page})
	if faults, ok := said(err); ok {
		view.Fault, status, err = sentence(faults), http.StatusUnprocessableEntity, nil
	}
	if err != nil {
		return err
	}
	view.Items, view.Next = list.Items, list.Next
	if view.Tenants, err = d.tenantChoices(ctx, false, seesConfigs(ctx)); err != nil {
		return err
	}
	if view.Environments, err = d.environmentNames(ctx); err != nil {
		return err
	}
	return d.pages.Render(c, status, views.Page{Title: "Instances", Main: views.InstancesMain(view)})
}

func instanceQuery(c echo.Context) views.InstanceQuery {
	return views.InstanceQuery{
		TenantID: strings.TrimSpace(c.QueryParam("tenantId")), Environment: c.QueryParam("environment"), Cursor: c.QueryParam("cursor"),
	}
}

// seesConfigs tells of which tenants the caller may view configs.
func seesConfigs(ctx context.Context) func(id string) bool {
	actor, _ := models.ActorFrom(ctx)
	return func(id string) bool { return actor.Can(models.PermViewConfigs, id, "") }
}
