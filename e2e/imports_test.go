package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/hotswap/hotswap"

// rooms says what each room of the house may import of the others: `cmd → web → views, services → models`.
// golangci-lint checks the same with depguard, but does not look into generated files.
var rooms = map[string][]string{
	"models":     {},
	"migrations": {},
	"static":     {},
	"views":      {"models", "static", "views"},
	"services":   {"models", "migrations", "services"},
	"web":        {"models", "static", "views", "services", "web"},
	"cmd":        {"models", "static", "views", "services", "migrations", "web", "cmd"},
	"e2e":        {"models", "static", "views", "services", "migrations", "web", "cmd", "e2e"},
}

// serviceOrder lists the services; each may import those before it.
var serviceOrder = []string{
	"statedir", "store", "audit", "access", "secrets", "tenants", "definitions", "configs", "snapshots", "notify", "deployments", "changes",
}

// upward are the imports that break the rule on purpose: test kits need what only cmd can bring up.
var upward = map[string][]string{
	"services/store/storetest": {"cmd/hotswap/devstack"},
	"web/webtest":              {"cmd/hotswap/server", "services/store/storetest"},
}

// kits are imported by tests only.
var kits = []string{"services/store/storetest", "web/webtest"}

// foreign are packages from outside that a room does without; a prefix names all below it. Tests are free to.
var foreign = map[string][]string{
	"services": {"github.com/labstack/echo", "github.com/danielgtaylor/huma", "github.com/a-h/templ", "github.com/gorilla", "net/http"},
	"web":      {"gorm.io", "github.com/jackc", "database/sql", "github.com/redis", "github.com/riverqueue"},
	"views":    {"net/http", "github.com/labstack", "gorm.io", "github.com/jackc", "database/sql"},
}

// httpClients are the services that call others over HTTP, with the reason.
var httpClients = map[string]string{}

// forbidden says what is wrong with an import, nothing if it is allowed. Both are paths below the module, or
// whole paths of packages from elsewhere. tests tells that only the test files of from import it.
func forbidden(from, to string, tests bool) string {
	room := roomOf(from)
	own, known := rooms[room]
	switch {
	case !known:
		return "no room of the house"
	case slices.Contains(upward[from], to):
		return ""
	case !isOurs(to):
		return forbiddenForeign(from, to, tests)
	case to == "services/telemetry" && room != "cmd" && room != "e2e" && from != to:
		return "telemetry is set up by cmd"
	case tests && slices.Contains(kits, to):
		return ""
	case slices.Contains(kits, to):
		return "a kit for tests"
	case room == "cmd" && strings.HasPrefix(from, "cmd/hotswap/devstack"):
		return "devstack starts servers and knows nothing of the house"
	case roomOf(to) == room && room == "services":
		return forbiddenService(from, to, tests)
	case roomOf(to) == room || slices.Contains(own, roomOf(to)):
		return ""
	default:
		return room + " does not import " + roomOf(to)
	}
}

func forbiddenForeign(from, to string, tests bool) string {
	room := roomOf(from)
	if tests || slices.Contains(kits, from) {
		return ""
	}
	if (room == "models" || room == "migrations") && strings.Contains(roomOf(to), ".") {
		return room + " imports the standard library only"
	}
	if to == "net/http" && httpClients[from] != "" {
		return ""
	}
	if strings.HasPrefix(to, opentelemetry) && slices.Contains([]string{"services", "web", "views"}, room) {
		return forbiddenTracing(from, to)
	}
	for _, prefix := range foreign[room] {
		if to == prefix || strings.HasPrefix(to, prefix+"/") {
			return room + " does without " + prefix
		}
	}
	return ""
}

// opentelemetry is where all of its modules are.
const opentelemetry = "go.opentelemetry.io/"

// forbiddenTracing: the transport makes spans with the API, telemetry keeps them with the SDK, and only cmd knows
// where they go.
func forbiddenTracing(from, to string) string {
	library := strings.TrimPrefix(to, opentelemetry)
	switch {
	case strings.HasPrefix(library, "otel/exporters"):
		return "only cmd sends spans"
	case from == "services/telemetry":
		return ""
	case roomOf(from) == "web" && !strings.HasPrefix(library, "otel/sdk"):
		return ""
	default:
		return from + " is traced by what cmd hands to it"
	}
}

// forbiddenService holds the services to their order. Tests may make their data with later ones.
func forbiddenService(from, to string, tests bool) string {
	importer, imported := slices.Index(serviceOrder, serviceOf(from)), slices.Index(serviceOrder, serviceOf(to))
	switch {
	case tests:
		return ""
	case importer < 0 && serviceOf(from) != "telemetry", imported < 0:
		return "not in the order of the services"
	case serviceOf(from) == "telemetry":
		return "telemetry stands alone"
	case imported > importer:
		return serviceOf(from) + " comes before " + serviceOf(to)
	default:
		return ""
	}
}

func isOurs(path string) bool {
	_, known := rooms[roomOf(path)]
	return known
}

// roomOf is the first element of a path.
func roomOf(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}

// serviceOf is "audit" for services/audit and all below it.
func serviceOf(path string) string { return roomOf(strings.TrimPrefix(path, "services/")) }

type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, p)
	}
}

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	check := func(from string, to []string, tests bool) {
		from = strings.TrimPrefix(from, module+"/")
		for _, path := range to {
			path = strings.TrimPrefix(path, module+"/")
			seen[from+" → "+path] = true
			if why := forbidden(from, path, tests); why != "" && from != path {
				t.Errorf("%s imports %s (tests: %t): %s", from, path, tests, why)
			}
		}
	}
	for _, p := range listPackages(t) {
		check(p.ImportPath, p.Imports, false)
		check(p.ImportPath, p.TestImports, true)
		check(p.ImportPath, p.XTestImports, true)
	}
	for _, edge := range []string{"services/changes → services/deployments", "services/store → models", "services/store → gorm.io/gorm"} {
		if !seen[edge] {
			t.Errorf("the listing lacks %s: it does not show the house", edge)
		}
	}
}

func TestForbiddenImportsAreSeen(t *testing.T) {
	t.Parallel()
	type edge struct {
		from, to string
		tests    bool
	}
	for _, e := range []edge{
		{from: "models", to: "github.com/google/uuid"},
		{from: "models", to: "services/store"},
		{from: "models", to: "web/wire"},
		{from: "models", to: "web/wire", tests: true},
		{from: "migrations", to: "models"},
		{from: "views", to: "services/tenants"},
		{from: "views", to: "web"},
		{from: "views/components", to: "net/http"},
		{from: "services/store", to: "services/audit"},
		{from: "services/audit", to: "services/access"},
		{from: "services/tenants", to: "services/definitions"},
		{from: "services/snapshots", to: "services/notify"},
		{from: "services/configs", to: "services/changes"},
		{from: "services/deployments", to: "services/changes"},
		{from: "services/changes", to: "services/telemetry"},
		{from: "services/telemetry", to: "services/store"},
		{from: "services/unheard", to: "services/store"},
		{from: "services/changes", to: "go.opentelemetry.io/otel/trace"},
		{from: "services/telemetry", to: "go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"},
		{from: "web", to: "services/telemetry"},
		{from: "web", to: "services/telemetry", tests: true},
		{from: "web", to: "go.opentelemetry.io/otel/sdk/trace"},
		{from: "views", to: "go.opentelemetry.io/otel/trace"},
		{from: "services/changes", to: "web"},
		{from: "services/changes", to: "web", tests: true},
		{from: "services/changes", to: "views"},
		{from: "services/changes", to: "cmd/hotswap/server"},
		{from: "services/changes", to: "cmd/hotswap/devstack", tests: true},
		{from: "services/store/storetest", to: "cmd/hotswap/server"},
		{from: "services/store", to: "services/store/storetest"},
		{from: "services/snapshots", to: "github.com/labstack/echo/v4"},
		{from: "services/snapshots", to: "net/http"},
		{from: "services/snapshots", to: "net/http/pprof"},
		{from: "services/changes", to: "github.com/danielgtaylor/huma/v2"},
		{from: "web", to: "gorm.io/gorm"},
		{from: "web/read", to: "github.com/jackc/pgx/v5"},
		{from: "web/api", to: "database/sql"},
		{from: "web/auth", to: "github.com/redis/go-redis/v9"},
		{from: "web/api", to: "cmd/hotswap/server"},
		{from: "web/api", to: "web/webtest"},
		{from: "web", to: "migrations"},
		{from: "cmd/hotswap", to: "e2e"},
		{from: "cmd/hotswap", to: "web/webtest"},
		{from: "cmd/hotswap/devstack", to: "models"},
		{from: "helpers", to: "models"},
	} {
		if forbidden(e.from, e.to, e.tests) == "" {
			t.Errorf("%s → %s (tests: %t) goes unseen", e.from, e.to, e.tests)
		}
	}
	for _, e := range []edge{
		{from: "models", to: "encoding/json"},
		{from: "models", to: "pgregory.net/rapid", tests: true},
		{from: "services/changes", to: "services/store"},
		{from: "services/access", to: "services/audit"},
		{from: "services/audit", to: "services/store/storetest", tests: true},
		{from: "services/audit", to: "services/changes", tests: true},
		{from: "services/store", to: "migrations"},
		{from: "services/store", to: "github.com/jackc/pgx/v5"},
		{from: "services/store/storetest", to: "cmd/hotswap/devstack"},
		{from: "web", to: "net/http"},
		{from: "web", to: "go.opentelemetry.io/otel/trace"},
		{from: "services/telemetry", to: "go.opentelemetry.io/otel/sdk/trace"},
		{from: "services/telemetry", to: "services/store", tests: true},
		{from: "cmd/hotswap", to: "services/telemetry"},
		{from: "cmd/hotswap", to: "go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"},
		{from: "web/auth", to: "services/access"},
		{from: "web/webtest", to: "cmd/hotswap/server"},
		{from: "web/api", to: "web/webtest", tests: true},
		{from: "views", to: "models"},
		{from: "cmd/hotswap", to: "cmd/hotswap/devstack"},
		{from: "cmd/hotswap", to: "services/store"},
	} {
		if why := forbidden(e.from, e.to, e.tests); why != "" {
			t.Errorf("%s → %s (tests: %t) is refused: %s", e.from, e.to, e.tests, why)
		}
	}
}
