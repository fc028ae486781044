package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/static"
	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/views/components"
)

// mainID is the element that holds a page's content, within the frame.
const mainID = "main"

// noticeID is the element for what went wrong beside content that stays.
const noticeID = "notice"

// ThemeCookie keeps somebody's choice of colours. It is no secret.
const ThemeCookie = "hotswap-theme"

// Pages draws HTML: the only place that knows whether the browser asked for a page or for a part of one.
type Pages struct {
	assets static.Assets
	now    func() time.Time
	// flash takes the sentences that an earlier request left for this session.
	flash func(echo.Context) []string
}

// Render answers with a page, or with the part of it that htmx asked for: the templ.Fragment named like the target's
// id, the content for #main. It is drawn whole before anything is sent, so that half a page never leaves.
func (p *Pages) Render(c echo.Context, status int, page views.Page) error {
	c.Response().Header().Add(echo.HeaderVary, "HX-Request, HX-Target")
	body, err := p.draw(c, page)
	if err != nil {
		return err
	}
	return c.HTMLBlob(status, body)
}

func (p *Pages) draw(c echo.Context, page views.Page) ([]byte, error) {
	ctx := components.WithNow(static.With(c.Request().Context(), p.assets), p.now())
	target := partial(c.Request())
	if target != "" && target != mainID {
		part, err := drawn(ctx, func(ctx context.Context, w *bytes.Buffer) error {
			return templ.RenderFragments(ctx, w, page.Main, target)
		})
		if err != nil || len(part) > 0 {
			return part, err
		}
	}
	frame, whole := p.frame(c), views.Document
	if page.Nav != nil {
		frame.Nav = page.Nav
	}
	if target != "" {
		whole = views.Content
	}
	return drawn(ctx, func(ctx context.Context, w *bytes.Buffer) error { return whole(frame, page).Render(ctx, w) })
}

func drawn(ctx context.Context, draw func(context.Context, *bytes.Buffer) error) ([]byte, error) {
	var body bytes.Buffer
	if err := draw(ctx, &body); err != nil {
		return nil, fmt.Errorf("draw a page: %w", err)
	}
	return body.Bytes(), nil
}

// partial is the id of the element that htmx wants to fill; empty when a whole page is wanted. htmx 4 names
// it "tag#id", and asks for whole pages when it restores history.
func partial(r *http.Request) string {
	if r.Header.Get("HX-Request") != "true" || r.Header.Get("HX-History-Restore-Request") == "true" {
		return ""
	}
	_, id, _ := strings.Cut(r.Header.Get("HX-Target"), "#")
	return id
}

func (p *Pages) frame(c echo.Context) views.Frame {
	r := c.Request()
	actor, _ := models.ActorFrom(r.Context())
	f := views.Frame{
		Actor: actor, Path: shownPage(r), Nav: views.Nav(actor, r.URL.Path), Now: p.now(), Styled: p.assets.Built(),
		Flash: p.flash(c),
	}
	if cookie, err := r.Cookie(ThemeCookie); err == nil {
		f.Theme = views.ParseTheme(cookie.Value)
	}
	return f
}

// fail answers an error as HTML: a page, or for htmx a notice beside the content, which stays.
func (p *Pages) fail(c echo.Context, f views.Failure) error {
	h := c.Response().Header()
	page := views.Page{Title: f.Title, Main: views.ErrorMain(f)}
	if _, known := models.ActorFrom(c.Request().Context()); !known {
		page.Alone = true
	}
	if partial(c.Request()) == "" {
		return p.Render(c, f.Status, page)
	}
	h.Set("HX-Retarget", "#"+noticeID)
	h.Set("HX-Reswap", "innerHTML show:top")
	h.Set("HX-Push-Url", "false")
	ctx := static.With(c.Request().Context(), p.assets)
	body, err := drawn(ctx, func(ctx context.Context, w *bytes.Buffer) error { return views.ErrorNotice(f).Render(ctx, w) })
	if err != nil {
		return err
	}
	return c.HTMLBlob(f.Status, body)
}
