package web

import (
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/wire"
)

// queries are the parameters that each documented route of the API takes, by method and Echo's pattern: typed
// operations and plain routes alike.
type queries map[routeKey][]string

// queriesOf reads the document, when all routes are in it.
func queriesOf(document *huma.OpenAPI) queries {
	out := queries{}
	for path, item := range document.Paths {
		for _, op := range operationsOf(item) {
			names := []string{} // a route without any takes none
			for _, p := range op.Parameters {
				if p.In == "query" {
					names = append(names, p.Name)
				}
			}
			out[routeKey{op.Method, routeOf(path)}] = names
		}
	}
	return out
}

// add notes the parameters of a route that is not in the document.
func (q queries) add(method, route string, names ...string) { q[routeKey{method, route}] = names }

// routeOf is a path of the document as Echo writes it: "/changes/{id}" is "/api/v1/changes/:id".
func routeOf(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			parts[i] = ":" + strings.TrimSuffix(name, "}")
		}
	}
	return Prefix + strings.Join(parts, "/")
}

// check refuses parameters that the route does not take: one that is misspelled would change the answer unseen.
func (q queries) check(c echo.Context) error {
	query := c.Request().URL.RawQuery
	if query == "" {
		return nil
	}
	known, documented := q[routeKey{c.Request().Method, c.Path()}]
	if !documented {
		return nil
	}
	var fields []models.FieldError
	for name := range wire.Parameters(query) {
		if !slices.Contains(known, name) {
			var pointer strings.Builder
			appendToken(&pointer, strings.ToValidUTF8(name, ""))
			fields = append(fields, models.FieldError{Pointer: pointer.String(), Message: "there is no such parameter"})
		}
	}
	slices.SortFunc(fields, func(a, b models.FieldError) int { return strings.Compare(a.Pointer, b.Pointer) })
	return models.InvalidFields(slices.Compact(fields))
}
