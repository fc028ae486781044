// Package static holds what the browser loads: styles, scripts and icons, built by `make assets` into dist/ under
// names that carry the hash of their content.
package static

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// Prefix is the path below which the files are served.
const Prefix = "/static/"

//go:embed all:dist
var built embed.FS

// Assets are the built files and their names.
type Assets struct {
	files  fs.FS
	hashed map[string]string // by plain name
}

// Load reads the manifest of the build. Before the first build there is nothing: pages work, without style.
func Load() (Assets, error) {
	files, err := fs.Sub(built, "dist")
	if err != nil {
		return Assets{}, fmt.Errorf("assets: %w", err)
	}
	a := Assets{files: files, hashed: map[string]string{}}
	manifest, err := fs.ReadFile(files, "manifest.json")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return a, nil
	case err != nil:
		return Assets{}, fmt.Errorf("assets: %w", err)
	}
	if err := json.Unmarshal(manifest, &a.hashed); err != nil {
		return Assets{}, fmt.Errorf("assets: manifest: %w", err)
	}
	return a, nil
}

// Built tells whether there is anything to serve.
func (a Assets) Built() bool { return len(a.hashed) > 0 }

// Read is a file by its hashed name and its gzipped form; fs.ErrNotExist for what the manifest does not name.
func (a Assets) Read(hashed string) (plain, gzipped []byte, err error) {
	for _, name := range a.hashed {
		if name != hashed {
			continue
		}
		if plain, err = fs.ReadFile(a.files, name); err != nil {
			return nil, nil, fmt.Errorf("assets: %w", err)
		}
		if gzipped, err = fs.ReadFile(a.files, name+".gz"); err != nil {
			return nil, nil, fmt.Errorf("assets: %w", err)
		}
		return plain, gzipped, nil
	}
	return nil, nil, fs.ErrNotExist
}

// Names are the hashed names of all files.
func (a Assets) Names() []string {
	var names []string
	for _, name := range a.hashed {
		names = append(names, name)
	}
	return names
}

type contextKey struct{}

// With puts the assets into the context in which pages are drawn.
func With(ctx context.Context, a Assets) context.Context {
	return context.WithValue(ctx, contextKey{}, a)
}

// URL is the address of a file by its plain name ("app.css").
func URL(ctx context.Context, name string) string {
	a, _ := ctx.Value(contextKey{}).(Assets)
	if hashed, ok := a.hashed[name]; ok {
		name = hashed
	}
	return path.Join(Prefix, name)
}
