package console_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/auth"
)

// maxHandlerLines is how long a handler may be, its signature and closing brace included.
const maxHandlerLines = 25

// sources are the parsed files of this package, without tests.
func sources(t *testing.T) (*token.FileSet, []*ast.File) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return set, files
}

// isHandler tells whether the function answers requests: it takes an echo.Context.
func isHandler(f *ast.FuncDecl) bool {
	for _, p := range f.Type.Params.List {
		if s, ok := p.Type.(*ast.SelectorExpr); ok && s.Sel.Name == "Context" {
			if pkg, ok := s.X.(*ast.Ident); ok && pkg.Name == "echo" {
				return true
			}
		}
	}
	return false
}

func TestHandlersAreShort(t *testing.T) {
	t.Parallel()
	set, files := sources(t)
	handlers := 0
	for _, file := range files {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !isHandler(f) {
				continue
			}
			handlers++
			if n := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1; n > maxHandlerLines {
				t.Errorf("%s: %s has %d lines", set.Position(f.Pos()), f.Name.Name, n)
			}
		}
	}
	if handlers < 10 {
		t.Errorf("only %d handlers were found", handlers)
	}
}

// route is a route as the source registers it.
type route struct{ method, path string }

// at is a path of the route that names nothing that exists.
func (r route) at() string {
	parts := strings.Split(r.path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, ":") {
			parts[i] = "not-there"
		}
	}
	return strings.Join(parts, "/")
}

// routes are those for who is signed in, and those for everybody.
func routes(t *testing.T) (signedIn, open []route) {
	t.Helper()
	_, files := sources(t)
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			s, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if on, ok := s.X.(*ast.Ident); !ok || on.Name != "r" {
				return true
			}
			switch s.Sel.Name {
			case "Page", "Poll":
				signedIn = append(signedIn, route{"GET", text(t, call.Args[0])})
			case "Act":
				signedIn = append(signedIn, route{"POST", text(t, call.Args[1])})
			case "Open":
				open = append(open, route{"GET", text(t, call.Args[0])})
			case "OpenAct":
				open = append(open, route{"POST", text(t, call.Args[0])})
			}
			return true
		})
	}
	if len(signedIn) < 2 || len(open) < 5 {
		t.Fatalf("only these routes were found: %v %v", signedIn, open)
	}
	return signedIn, open
}

// text is a string literal, or the value of a constant.
func text(t *testing.T, e ast.Expr) string {
	t.Helper()
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil && s != "" {
			return s
		}
	case *ast.SelectorExpr:
		constants := map[string]string{
			"LoginPath": auth.LoginPath, "CallbackPath": auth.CallbackPath, "SignedOutPath": auth.SignedOutPath, "LogoutPath": auth.LogoutPath,
		}
		if s := constants[e.Sel.Name]; s != "" {
			return s
		}
	}
	t.Fatalf("%#v is no path that this test can read", e)
	return ""
}
