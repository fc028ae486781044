package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views"
)

// DocsPath is where the API document is served as a page, to everybody.
const DocsPath = "/api/docs"

// docsHandler shows the API document. It is turned into what the page prints once, when all operations are known.
func docsHandler(document *huma.OpenAPI, pages *Pages) echo.HandlerFunc {
	read := sync.OnceValues(func() (views.APIDocs, error) { return docsOf(document) })
	return func(c echo.Context) error {
		docs, err := read()
		if err != nil {
			return err
		}
		page := views.Page{Title: "API", Main: views.APIDocsMain(docs), Nav: docs.Nav()}
		return pages.Render(c, http.StatusOK, page)
	}
}

// docsOf is the document as the page prints it.
func docsOf(document *huma.OpenAPI) (views.APIDocs, error) {
	docs := views.APIDocs{
		Version: document.Info.Version, Spec: SpecPath, About: strings.Split(document.Info.Description, "\n\n"),
		Errors: errorsOf(slices.Collect(maps.Keys(document.Components.Responses))), Shapes: shapesOf(document),
	}
	byTag := map[string][]views.APICall{}
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for _, op := range operationsOf(document.Paths[path]) {
			call, err := callOfDocument(document, op)
			if err != nil {
				return docs, fmt.Errorf("show the operation %s: %w", op.OperationID, err)
			}
			byTag[op.Tags[0]] = append(byTag[op.Tags[0]], call)
		}
	}
	for _, tag := range document.Tags {
		if len(byTag[tag.Name]) > 0 {
			docs.Groups = append(docs.Groups, views.APIGroup{Name: tag.Name, About: tag.Description, Calls: byTag[tag.Name]})
		}
	}
	return docs, nil
}

func callOfDocument(document *huma.OpenAPI, op *huma.Operation) (views.APICall, error) {
	call := views.APICall{
		ID: op.OperationID, Method: op.Method, Path: Prefix + op.Path, Summary: op.Summary, About: op.Description,
	}
	for _, p := range op.Parameters {
		m := memberOf(p.Name, p.Schema)
		m.In, m.Required, m.About = p.In, p.Required, p.Description
		call.Params = append(call.Params, m)
	}
	var body []byte
	if op.RequestBody != nil {
		media := op.RequestBody.Content["application/json"]
		call.Body = membersOf(document.Components.Schemas, media.Schema)
		var err error
		if body, err = json.Marshal(media.Example); err != nil {
			return call, err
		}
	}
	call.Curl = curlOf(op, body)
	return call, answersOf(op, &call)
}

// answersOf adds the answers of an operation, successes and errors.
func answersOf(op *huma.Operation, call *views.APICall) error {
	var codes []string
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		if code, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
			codes = append(codes, code)
			continue
		}
		answer := views.APIAnswer{Status: status, About: r.Description}
		for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
			m := memberOf(name, r.Headers[name].Schema)
			m.About = r.Headers[name].Description
			answer.Headers = append(answer.Headers, m)
		}
		if media := r.Content["application/json"]; media != nil {
			answer.Shape = shapeOf(media.Schema)
			text, err := indented(media.Example)
			if err != nil {
				return err
			}
			answer.Example = text
		}
		call.Answers = append(call.Answers, answer)
	}
	call.Errors = errorsOf(codes)
	return nil
}

func indented(example any) (string, error) {
	if example == nil {
		return "", nil
	}
	var compact, out bytes.Buffer
	if err := encodeJSON(&compact, example); err != nil {
		return "", err
	}
	err := json.Indent(&out, compact.Bytes(), "", "  ")
	return out.String(), err
}

// errorsOf are errors by their codes, in the order of their statuses.
func errorsOf(codes []string) []views.APIError {
	var out []views.APIError
	for _, code := range codes {
		k := kindOf(models.Code(code))
		out = append(out, views.APIError{Status: strconv.Itoa(k.status), Code: code, About: sentence(k.title + ": " + k.detail)})
	}
	slices.SortFunc(out, func(a, b views.APIError) int { return strings.Compare(a.Status, b.Status) })
	return out
}

// curlOf is the call as somebody types it.
func curlOf(op *huma.Operation, body []byte) string {
	path, query := op.Path, []string{}
	for _, p := range op.Parameters {
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", fmt.Sprint(p.Example))
		case p.In == "query" && p.Example != nil:
			query = append(query, fmt.Sprintf("%s=%v", p.Name, p.Example))
		}
	}
	if len(query) > 0 {
		path += "?" + strings.Join(query, "&")
	}
	lines := []string{`curl "$HOTSWAP_URL` + Prefix + path + `"`}
	if op.Method != http.MethodGet {
		lines[0] = `curl -X ` + op.Method + ` "$HOTSWAP_URL` + Prefix + path + `"`
	}
	lines = append(lines, `-H "Authorization: Bearer $HOTSWAP_KEY"`)
	if _, keyed := op.Metadata[replayKey]; keyed {
		lines = append(lines, `-H "`+KeyHeader+`: $(uuidgen)"`)
	}
	if body != nil {
		lines = append(lines, `-H "Content-Type: application/json"`, `-d '`+strings.ReplaceAll(string(body), "'", `'\''`)+`'`)
	}
	return strings.Join(lines, " \\\n  ")
}
