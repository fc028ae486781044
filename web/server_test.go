package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web"
	"github.com/hotswap/hotswap/web/auth"
	"github.com/hotswap/hotswap/web/wire"
)

// The credentials that the site of these tests knows.
const (
	engineerKey = "hs_engineer"
	jwt         = "eyJhbGciOi.eyJpc3Mi.c2ln"
)

// site is a running server with a few operations, and what it reported.
type site struct {
	t        *testing.T
	url      string
	registry *prometheus.Registry

	mu      sync.Mutex
	refused []models.Refusal
	denied  []models.Refusal
	log     bytes.Buffer
	waiting chan struct{} // closed when the slow operation has begun
}

// Write takes the log.
func (s *site) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *site) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

func newSite(t *testing.T) *site {
	t.Helper()
	return startSite(t, func(*http.Server) {})
}

// startSite lets a test have shorter deadlines.
func startSite(t *testing.T, adjust func(*http.Server)) *site {
	t.Helper()
	s := &site{t: t, registry: prometheus.NewRegistry(), waiting: make(chan struct{})}
	log := slog.New(slog.NewJSONHandler(s, nil))
	handler, err := web.New(web.Deps{
		Log: log, Registry: s.registry, Version: "test",
		Authenticate: authenticate,
		Refuse: func(ctx context.Context, r models.Refusal) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if ctx.Err() == nil { // a record cannot be written in a context that is over
				s.refused = append(s.refused, r)
			}
		},
		Denied: func(_ context.Context, r models.Refusal) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.denied = append(s.denied, r)
		},
		Ready:  func(context.Context) error { return nil },
		Routes: s.routes, SignIn: nobody(), Now: time.Now,
	})
	if err != nil {
		t.Fatalf("server: %v", err)
	}
	server := httptest.NewUnstartedServer(nil)
	server.Config = web.NewHTTPServer(handler, log)
	adjust(server.Config)
	server.Start()
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// nobody signs nobody in.
func nobody() *auth.SignIn {
	return auth.NewSignIn(auth.SignInOptions{Log: slog.New(slog.DiscardHandler)})
}

func authenticate(_ context.Context, credential string, from models.Request) (models.Actor, error) {
	switch {
	case from.ID == "" || from.Address != "127.0.0.1":
		return models.Actor{}, fmt.Errorf("the call is unknown: %+v", from)
	case credential == engineerKey, credential == jwt:
		return models.Actor{ActorRef: models.ActorRef{ID: "p1", Kind: models.ActorPerson, Name: "Erin"}}, nil
	default:
		return models.Actor{}, models.Unauthenticated()
	}
}

// thing is a body with all kinds of members.
type thing struct {
	Key    string       `json:"key" minLength:"1" maxLength:"40"`
	Count  int          `json:"count,omitempty" minimum:"0"`
	Share  float64      `json:"share,omitempty"`
	When   string       `json:"when,omitempty" format:"date-time"`
	Mail   string       `json:"mail,omitempty" format:"email"`
	Value  wire.RawJSON `json:"value,omitempty"`
	Items  []part       `json:"items,omitempty"`
	Result models.Value `json:"result,omitempty"`
}

type part struct {
	Key   string       `json:"key"`
	Value wire.RawJSON `json:"value"`
}

type thingInput struct {
	Body thing
}

type thingOutput struct {
	Body thing
}

type listInput struct {
	wire.Paging
	Environment string `query:"environment" required:"true"`
	Layers      bool   `query:"layers"`
	Match       string `header:"If-Match"`
}

type listOutput struct {
	Body models.Paged[part]
}

type idInput struct {
	ID string `path:"changeId"`
}

type environmentInput struct {
	Environment string `path:"environment"`
}

type pathOutput struct {
	Body struct {
		ID string `json:"id"`
	}
}

func (s *site) routes(r web.Router) {
	huma.Register(r.API, huma.Operation{OperationID: "thing.create", Method: http.MethodPost, Path: "/things"}, create)
	huma.Register(r.API, huma.Operation{
		OperationID: "thing.import", Method: http.MethodPost, Path: "/imports", MaxBodyBytes: models.MaxChangeBodyBytes,
	}, create)
	huma.Register(r.API, huma.Operation{OperationID: "thing.list", Method: http.MethodGet, Path: "/things"}, list)
	huma.Register(r.API, huma.Operation{OperationID: "path.get", Method: http.MethodGet, Path: "/paths/{changeId}"}, get)
	huma.Register(r.API, huma.Operation{
		OperationID: "change.approve", Method: http.MethodPost, Path: "/approvals/{changeId}/approve",
	}, fail)
	huma.Register(r.API, huma.Operation{OperationID: "failure.get", Method: http.MethodGet, Path: "/failures/{changeId}"}, fail)
	huma.Register(r.API, huma.Operation{OperationID: "slow", Method: http.MethodGet, Path: "/slow"}, s.slow)
	r.Echo.GET("/api/v1/reads/:tenantId", func(c echo.Context) error { return c.String(http.StatusOK, c.Param("tenantId")) })
	r.Echo.GET("/ofrep/v1/configuration", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	huma.Register(r.API, huma.Operation{OperationID: "policy.put", Method: http.MethodPut, Path: "/policies/{environment}"},
		func(context.Context, *environmentInput) (*struct{}, error) {
			return nil, models.Forbidden("the sentence")
		})
	huma.Register(r.API, huma.Operation{
		Method: http.MethodGet, Path: "/wrapped/{changeId}", Middlewares: huma.Middlewares{wrap},
	}, fail)
	r.Echo.GET("/cut", func(echo.Context) error { panic(http.ErrAbortHandler) })
	r.Echo.GET("/half", func(c echo.Context) error {
		if err := c.String(http.StatusOK, strings.Repeat("half an answer ", 1000)); err != nil {
			return err
		}
		return errors.New("secret of the half")
	})
}

// wrap is a middleware of a single operation.
func wrap(ctx huma.Context, next func(huma.Context)) { next(huma.WithValue(ctx, wrapKey{}, true)) }

type wrapKey struct{}

func create(_ context.Context, in *thingInput) (*thingOutput, error) {
	out := in.Body
	if out.Value != nil {
		v, err := out.Value.Value("/value")
		if err != nil {
			return nil, err
		}
		out.Result = v
	}
	return &thingOutput{Body: out}, nil
}

func list(_ context.Context, in *listInput) (*listOutput, error) {
	page, err := in.Page()
	if err != nil {
		return nil, err
	}
	items := []part{{Key: fmt.Sprintf("%s %d %t", in.Environment, page.Limit, in.Layers), Value: wire.Raw("1")}}
	return &listOutput{Body: models.Paged[part]{Items: items}}, nil
}

func get(_ context.Context, in *idInput) (*pathOutput, error) {
	out := &pathOutput{}
	out.Body.ID = in.ID
	return out, nil
}

// fail answers with the error that the path asks for.
func fail(ctx context.Context, in *idInput) (*struct{}, error) {
	switch in.ID {
	case "panic":
		panic("secret of the panic")
	case "internal":
		return nil, errors.New("secret of the database")
	case "odd":
		return nil, &models.Error{Code: "odd", Message: "secret of a code without a status"}
	case "deadline":
		return nil, fmt.Errorf("secret query: %w", context.DeadlineExceeded)
	case "monday":
		return nil, fmt.Errorf("start: %w", &models.Error{
			Code: models.CodeFrozen, Message: "frozen until Monday", RetryAfter: 1500 * time.Millisecond,
		})
	case "fine":
		_, known := models.ActorFrom(ctx)
		if !known {
			return nil, errors.New("no actor")
		}
		return &struct{}{}, nil
	default:
		return nil, &models.Error{Code: models.Code(in.ID), Message: "the sentence"}
	}
}

// slow waits for its context to end.
func (s *site) slow(ctx context.Context, _ *struct{}) (*struct{}, error) {
	close(s.waiting)
	<-ctx.Done()
	return nil, errors.New("a driver's own words for being cancelled")
}

// answer is what came back.
type answer struct {
	*http.Response
	body string
}

func (a answer) problem(t *testing.T) wire.Problem {
	t.Helper()
	if got := a.Header.Get("Content-Type"); got != wire.ProblemType {
		t.Fatalf("%d with content type %q: %s", a.StatusCode, got, a.body)
	}
	var p wire.Problem
	decoder := json.NewDecoder(strings.NewReader(a.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	if p.Status != a.StatusCode || p.RequestID == "" || p.RequestID != a.Header.Get("X-Request-Id") ||
		p.Title == "" || p.Detail == "" || p.Errors == nil || p.Type != "urn:hotswap:problem:"+string(p.Code) {
		t.Errorf("incomplete problem (status %d): %+v", a.StatusCode, p)
	}
	return p
}

// do sends a request as the engineer unless it names a credential itself.
func (s *site) do(method, path string, body io.Reader, headers ...string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", engineerKey)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{response, string(read)}
}

func (s *site) get(path string, headers ...string) answer {
	s.t.Helper()
	return s.do(http.MethodGet, path, nil, headers...)
}

func (s *site) post(path, body string, headers ...string) answer {
	s.t.Helper()
	return s.do(http.MethodPost, path, strings.NewReader(body), headers...)
}
