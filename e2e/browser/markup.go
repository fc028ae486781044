package browser

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// targeted finds the ids that the values of hx-target and hx-status name.
var targeted = regexp.MustCompile(`(?:^|target:)(#[\w-]+)`)

// Markup names what our content security policy would not let work, and what leads nowhere: style attributes, code in
// attributes, htmx targets that are not in the page, ids that are there twice.
func Markup(source string) []string {
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(source))
	if err != nil {
		return []string{"the page is no HTML: " + err.Error()}
	}
	var found []string
	ids := map[string]bool{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id := s.AttrOr("id", "")
		if ids[id] {
			found = append(found, "the id "+id+" is there twice")
		}
		ids[id] = true
	})
	doc.Find("*").Each(func(_ int, s *goquery.Selection) {
		for _, a := range s.Nodes[0].Attr {
			for _, fault := range attributeFaults(a.Key, a.Val, ids) {
				found = append(found, fmt.Sprintf("<%s %s=%q>: %s", s.Nodes[0].Data, a.Key, a.Val, fault))
			}
		}
	})
	return found
}

func attributeFaults(name, value string, ids map[string]bool) (faults []string) {
	switch {
	case name == "style":
		faults = append(faults, "style attributes are forbidden")
	case strings.HasPrefix(name, "hx-on"), strings.HasPrefix(name, "on"):
		faults = append(faults, "code in attributes is forbidden")
	case name == "hx-trigger" && strings.Contains(value, "["):
		faults = append(faults, "filters of triggers are code")
	case name == "hx-target" || strings.HasPrefix(name, "hx-status"):
		faults = append(faults, targetFaults(name, value, ids)...)
	}
	if strings.HasPrefix(name, "hx-") && (strings.Contains(value, "js:") || strings.Contains(value, "javascript:")) {
		faults = append(faults, "values of htmx are no code")
	}
	return faults
}

func targetFaults(name, value string, ids map[string]bool) (faults []string) {
	targets := targeted.FindAllStringSubmatch(value, -1)
	if name == "hx-target" && len(targets) == 0 {
		return []string{"it names no id"}
	}
	for _, t := range targets {
		if !ids[strings.TrimPrefix(t[1], "#")] {
			faults = append(faults, "nothing in the page has the id "+t[1])
		}
	}
	return faults
}
