// Command look opens pages of the console in Chromium, light and dark, wide and narrow, takes pictures of them and
// tells what is wrong: errors, violations of the content security policy, what is too wide, what axe-core finds.
//
//	go run ./e2e/look -dir pictures -as engineer@example.com / /tenants
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hotswap/hotswap/e2e/browser"
)

const axePath = "static/node_modules/axe-core/axe.min.js"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "look:", err)
		os.Exit(1)
	}
}

func run() error {
	dir := flag.String("dir", "pictures", "where the pictures go")
	as := flag.String("as", "engineer@example.com", "the account that signs in; - for nobody")
	dev := flag.String("dev", ".hotswap/dev.json", "the dev.json of a running `hotswap dev`")
	only := flag.String("only", "", "one look only: light-wide, dark-wide, light-narrow or dark-narrow")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	site, err := readSite(*dev)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*dir, 0o750); err != nil {
		return err
	}
	axe, err := os.ReadFile(axePath)
	if err != nil {
		return fmt.Errorf("run it at the project's root after `make assets`: %w", err)
	}
	b, err := browser.Start(ctx)
	if err != nil {
		return err
	}
	l := looker{b, site, *dir, *as, string(axe)}
	for name, look := range browser.Looks() {
		if *only == "" || *only == name {
			err = errors.Join(err, l.walk(name, look, flag.Args()))
		}
	}
	return err
}

type site struct {
	URL    string `json:"url"`
	Issuer string `json:"issuer"`
}

func readSite(path string) (s site, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return s, fmt.Errorf("start `hotswap dev` first: %w", err)
	}
	return s, json.Unmarshal(text, &s)
}

type looker struct {
	browser      *browser.Browser
	site         site
	dir, as, axe string
}

func (l looker) walk(name string, look browser.Look, paths []string) error {
	tab, err := l.browser.Open(l.site.URL, look)
	if err != nil {
		return err
	}
	defer tab.Close()
	if l.as != "-" {
		if err := tab.SignIn(l.as); err != nil {
			return err
		}
	}
	for _, path := range paths {
		if err := l.look(tab, name, path); err != nil {
			return err
		}
	}
	return nil
}

func (l looker) look(tab *browser.Tab, name, path string) error {
	if err := tab.Visit(path); err != nil {
		return err
	}
	file := filepath.Join(l.dir, strings.Trim(strings.NewReplacer("/", "_", "?", "_", "&", "_", "=", "-").Replace(path), "_")+"."+name+".png")
	if err := tab.Save(file); err != nil {
		return err
	}
	fmt.Println(file)
	wide, err := tab.Wide()
	if err != nil {
		return err
	}
	found, err := tab.Axe(l.axe)
	if err != nil {
		return err
	}
	for _, problem := range slices.Concat(tab.Problems(l.site.Issuer), wide, found) {
		fmt.Println("  ", problem)
	}
	return nil
}
