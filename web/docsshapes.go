package web

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/views"
)

// refPrefix is before the name of a shape in a reference.
const refPrefix = "#/components/schemas/"

// shapesOf are the bodies of answers and their parts, by name. What only requests have is shown with their calls.
func shapesOf(document *huma.OpenAPI) []views.APIShape {
	schemas := document.Components.Schemas
	needed := map[string]bool{}
	for _, item := range document.Paths {
		for _, op := range operationsOf(item) {
			if op.RequestBody != nil {
				body := schemas.SchemaFromRef(op.RequestBody.Content["application/json"].Schema.Ref)
				needParts(schemas, body, needed)
			}
			for _, r := range op.Responses {
				if media := r.Content["application/json"]; media != nil {
					need(schemas, media.Schema, needed)
				}
			}
		}
	}
	need(schemas, &huma.Schema{Ref: refPrefix + "Problem"}, needed)
	var out []views.APIShape
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		out = append(out, views.APIShape{Name: name, Members: membersOf(schemas, &huma.Schema{Ref: refPrefix + name})})
	}
	return out
}

// need notes a shape, and all that it is made of.
func need(schemas huma.Registry, s *huma.Schema, needed map[string]bool) {
	name := shapeOf(s)
	if name == "" || needed[name] {
		return
	}
	needed[name] = true
	needParts(schemas, schemas.SchemaFromRef(refPrefix+name), needed)
}

func needParts(schemas huma.Registry, s *huma.Schema, needed map[string]bool) {
	if s == nil {
		return
	}
	for _, member := range s.Properties {
		need(schemas, member, needed)
	}
}

// shapeOf is the name of the shape that a schema speaks of, also of a list or map of it; empty for plain types.
func shapeOf(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return strings.TrimPrefix(s.Ref, refPrefix)
	case s.Items != nil:
		return shapeOf(s.Items)
	case len(s.AnyOf) > 0:
		return shapeOf(s.AnyOf[0])
	default:
		values, _ := s.AdditionalProperties.(*huma.Schema)
		return shapeOf(values)
	}
}

// membersOf lists a body's members, those that have to be there first, else by name.
func membersOf(schemas huma.Registry, s *huma.Schema) []views.APIMember {
	if s.Ref != "" {
		s = schemas.SchemaFromRef(s.Ref)
	}
	var out []views.APIMember
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if !slices.Contains(s.Required, name) {
			out = append(out, memberOf(name, s.Properties[name]))
		}
	}
	var required []views.APIMember
	for _, name := range s.Required { // in the order of the shape
		if s.Properties[name] != nil {
			m := memberOf(name, s.Properties[name])
			m.Required = true
			required = append(required, m)
		}
	}
	return append(required, out...)
}

func memberOf(name string, s *huma.Schema) views.APIMember {
	return views.APIMember{Name: name, Type: typeOf(s), Shape: shapeOf(s), About: aboutOf(s)}
}

func aboutOf(s *huma.Schema) string {
	about := s.Description
	if len(s.Enum) > 0 {
		var values []string
		for _, v := range s.Enum {
			values = append(values, fmt.Sprintf("`%v`", v))
		}
		about = strings.TrimSpace(about + " (" + strings.Join(values, ", ") + ")")
	}
	return about
}

// typeOf is a type in words.
func typeOf(s *huma.Schema) string {
	values, isMap := s.AdditionalProperties.(*huma.Schema)
	name := s.Type
	switch {
	case s.Ref != "":
		return shapeOf(s)
	case len(s.AnyOf) > 0:
		return typeOf(s.AnyOf[0]) + " or null"
	case s.Items != nil:
		return "list of " + typeOf(s.Items)
	case isMap && values != nil:
		return "object of " + typeOf(values)
	case name == "":
		return "any JSON"
	case s.Format == "date-time":
		name = "time"
	}
	if s.Nullable {
		name += " or null"
	}
	return name
}
