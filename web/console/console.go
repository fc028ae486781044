// Package console holds the handlers of the admin console: each loads what a page shows, or does what a form says.
package console

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/services/access"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/configs"
	"github.com/hotswap/hotswap/services/definitions"
	"github.com/hotswap/hotswap/services/deployments"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/tenants"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/web"
	"github.com/hotswap/hotswap/web/auth"
)

// Services are what the pages show and the forms do.
type Services struct {
	Audit       *audit.Log
	Access      *access.Service
	Tenants     *tenants.Service
	Definitions *definitions.Service
	Configs     *configs.Service
	Snapshots   *snapshots.Service
	Deployments *deployments.Service
	Instances   *deployments.Instances
	Changes     *changes.Service
	SignIn      *auth.SignIn

	Now   func() time.Time
	Past  func(context.Context) error               // bounds how often somebody looks at the past
	Ping  func(context.Context) error               // whether the database answers
	Redis func(context.Context) error               // whether Redis answers; nil when there is none
	Jobs  func(context.Context) (store.Jobs, error) // how the queue of jobs stands
}

// desk is what all handlers share: the services, and the one way to answer with a page.
type desk struct {
	Services

	pages *web.Pages
}

// answer shows a page; or the page of a form that was refused, with the error's status, and reported like any other error.
func (d desk) answer(c echo.Context, refused error, page views.Page) error {
	if refused != nil {
		return &web.PageError{Err: refused, Page: page}
	}
	return d.pages.Render(c, http.StatusOK, page)
}

// Register puts all pages and forms into the route table.
func Register(r *web.Console, s Services) {
	d := desk{Services: s, pages: r.Pages}
	registerLogin(r, d)
	registerOverview(r, d)
	registerApprovals(r, d)
	registerChanges(r, d)
	registerTenants(r, d)
	registerTenant(r, d)
	registerTenantLife(r, d)
	registerEditor(r, d)
	registerAudit(r, d)
	registerAccess(r, d)
	registerKeys(r, d)
	registerCompare(r, d)
	registerDefinitions(r, d)
	registerInstances(r, d)
}
