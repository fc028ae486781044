package views

import (
	"strings"

	"github.com/hotswap/hotswap/models"
)

// NavItem is one entry of the navigation.
type NavItem struct {
	Label, Icon, Href string
	Key               string // "g" and this letter lead there
	Current           bool
}

// places are the console's pages in the order of the navigation, and the right without which each is left out.
var places = []struct {
	NavItem
	needs models.Permission // empty: everybody's
}{
	{NavItem{Label: "Overview", Icon: "home", Href: "/", Key: "o"}, ""},
	{NavItem{Label: "Approvals", Icon: "list-check", Href: "/approvals", Key: "p"}, models.PermViewChanges},
	{NavItem{Label: "Changes", Icon: "git-pull-request", Href: "/changes", Key: "c"}, models.PermViewChanges},
	{NavItem{Label: "Tenants", Icon: "building", Href: "/tenants", Key: "t"}, models.PermViewTenants},
	{NavItem{Label: "Definitions", Icon: "braces", Href: "/definitions", Key: "d"}, models.PermViewConfigs},
	{NavItem{Label: "Instances", Icon: "server", Href: "/instances", Key: "i"}, models.PermViewConfigs},
	{NavItem{Label: "Audit", Icon: "list-search", Href: "/audit", Key: "a"}, models.PermViewAudit},
	{NavItem{Label: "Access", Icon: "key", Href: "/access", Key: "k"}, ""},
}

// Nav is the navigation for somebody who looks at a path.
func Nav(actor models.Actor, path string) []NavItem {
	var nav []NavItem
	for _, p := range places {
		if p.needs != "" && len(actor.Places(p.needs)) == 0 {
			continue
		}
		item := p.NavItem
		item.Current = path == item.Href || item.Href != "/" && strings.HasPrefix(path, item.Href+"/")
		nav = append(nav, item)
	}
	return nav
}
