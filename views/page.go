// Package views is the console's HTML: one file per page, shaped like the screen. It only prints what handlers loaded.
package views

import (
	"time"

	"github.com/a-h/templ"

	"github.com/hotswap/hotswap/models"
)

// Page is what a handler hands to render: the content between the frame.
type Page struct {
	Title string
	Main  templ.Component
	Plots bool      // it has time series
	Alone bool      // without navigation, as for somebody who is not signed in
	Nav   []NavItem // in place of the console's
}

// Frame is what is around every page.
type Frame struct {
	Actor  models.Actor // the zero value: nobody is signed in
	Path   string       // the request's, with its query
	Nav    []NavItem
	Flash  []string
	Theme  Theme
	Now    time.Time
	Styled bool // the assets were built
}

// Theme is the colour scheme that somebody chose.
type Theme string

// The schemes. Without a choice the system decides.
const (
	ThemeSystem Theme = ""
	ThemeLight  Theme = "light"
	ThemeDark   Theme = "dark"
)

// ParseTheme reads a choice; whatever is none is the system's.
func ParseTheme(text string) Theme {
	switch t := Theme(text); t {
	case ThemeLight, ThemeDark:
		return t
	default:
		return ThemeSystem
	}
}
