package console

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/views"
	"github.com/hotswap/hotswap/web"
	"github.com/hotswap/hotswap/web/auth"
)

func registerLogin(r *web.Console, d desk) {
	r.Open(auth.LoginPath, d.login)
	r.Open(auth.CallbackPath, d.callback)
	r.Open(auth.SignedOutPath, d.signedOut)
	r.OpenAct(auth.LogoutPath, d.logout)
	r.OpenAct("/theme", d.theme)
}

// login leads to the identity provider.
func (d desk) login(c echo.Context) error {
	provider, err := d.SignIn.Begin(c, c.QueryParam(auth.ReturnParam))
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, provider)
}

// callback is where the identity provider leads back to.
func (d desk) callback(c echo.Context) error {
	back, err := d.SignIn.Finish(c)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, back)
}

// logout ends the session here; the page it leads to has the link that ends the provider's.
func (d desk) logout(c echo.Context) error {
	if err := d.SignIn.End(c); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, auth.SignedOutPath)
}

func (d desk) signedOut(c echo.Context) error {
	return d.pages.Render(c, http.StatusOK, views.Page{
		Title: "Signed out", Main: views.SignedOut(d.SignIn.Logout(c)), Alone: true,
	})
}

// themeLife is how long a choice of colours is kept.
const themeLife = 365 * 24 * time.Hour

// theme keeps a choice of colours and shows the page again.
func (d desk) theme(c echo.Context) error {
	f, err := read(c)
	if err != nil {
		return err
	}
	cookie := &http.Cookie{
		Name: web.ThemeCookie, Value: string(views.ParseTheme(f.text("theme"))), Path: "/", MaxAge: int(themeLife.Seconds()),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if cookie.Value == "" {
		cookie.MaxAge = -1
	}
	c.SetCookie(cookie)
	return c.Redirect(http.StatusSeeOther, auth.Local(f.text("return")))
}
