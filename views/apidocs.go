package views

import "strings"

// APIDocs is the page of the API: shaped like the screen, made of the document that the API serves.
type APIDocs struct {
	Version string
	About   []string // paragraphs
	Spec    string   // where the document itself is
	Groups  []APIGroup
	Errors  []APIError
	Shapes  []APIShape
}

// APIGroup is a tag with its calls.
type APIGroup struct {
	Name  string
	About string
	Calls []APICall
}

// APICall is one operation.
type APICall struct {
	ID, Method, Path string
	Summary          string
	About            string
	Params           []APIMember
	Body             []APIMember // of the request; empty where it takes none
	Curl             string
	Answers          []APIAnswer
	Errors           []APIError
}

// APIMember is a parameter, or a member of a body.
type APIMember struct {
	Name     string
	In       string // query, path or header; empty for members
	Type     string
	Shape    string // the name of the shape that Type speaks of; empty for plain types
	About    string
	Required bool
}

// APIAnswer is a successful answer.
type APIAnswer struct {
	Status  string
	About   string
	Shape   string // the name of its body's shape; empty without a body
	Headers []APIMember
	Example string // indented JSON
}

// APIError is an error that a call may answer.
type APIError struct{ Status, Code, About string }

// APIShape is a body, or a part of one, with its members.
type APIShape struct {
	Name    string
	Members []APIMember
}

// Anchor is where the group is on the page.
func (g APIGroup) Anchor() string { return "group-" + slug(g.Name) }

// shapeAnchor is where a shape is on the page.
func shapeAnchor(name string) string { return "shape-" + slug(name) }

// callAnchor is where a call is on the page.
func callAnchor(id string) string { return "call-" + slug(id) }

// slug is a text as an id of HTML.
func slug(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(text))
}

// Nav is the navigation of the page: its groups.
func (d APIDocs) Nav() []NavItem {
	var nav []NavItem
	for _, g := range d.Groups {
		nav = append(nav, NavItem{Label: g.Name, Icon: "hash", Href: "#" + g.Anchor()})
	}
	return append(nav,
		NavItem{Label: "Errors", Icon: "alert-triangle", Href: "#errors"},
		NavItem{Label: "Shapes", Icon: "layers-intersect", Href: "#shapes"})
}

// span is a part of a text; the document marks code with backquotes.
type span struct {
	text string
	code bool
}

func spans(text string) []span {
	var out []span
	for i, part := range strings.Split(text, "`") {
		if part != "" {
			out = append(out, span{part, i%2 == 1})
		}
	}
	return out
}

// kindOf is what stands beside a member's name: where it is, and whether it has to be there.
func kindOf(m APIMember) string {
	var words []string
	if m.In != "" {
		words = append(words, m.In)
	}
	if m.Shape == "" && m.Type != "" {
		words = append(words, m.Type)
	}
	if m.Required && m.In != "path" {
		words = append(words, "required")
	}
	return strings.Join(words, " · ")
}
