// Command picture draws the picture of the console that the README shows: it runs `hotswap dev` with demo data, signs
// in, and photographs the environment matrix of a tenant, light and dark.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/hotswap/hotswap/e2e/browser"
)

// started is what `hotswap dev` prints when it serves, before its address.
const started = "HotSwap is running at "

// stopLimit is how long `hotswap dev` may take to stop.
const stopLimit = 20 * time.Second

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	binary := flag.String("binary", "bin/hotswap", "the program")
	file := flag.String("file", "docs/console.png", "where the picture goes; the dark one lies beside it")
	path := flag.String("path", "/tenants/globex?search=rules.", "what to photograph")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := os.MkdirTemp("", "hotswap-picture")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	url, end, err := serve(ctx, *binary, filepath.Join(dir, "dev"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	b, err := browser.Start(ctx)
	if err != nil {
		return err
	}
	if err := photograph(b, url, *path, *file, false); err != nil {
		return err
	}
	ext := filepath.Ext(*file)
	return photograph(b, url, *path, strings.TrimSuffix(*file, ext)+"-dark"+ext, true)
}

// serve runs the program until end is called.
func serve(ctx context.Context, binary, dir string) (url string, end func() error, err error) {
	cmd := exec.CommandContext(ctx, binary, "dev", "--listen", "127.0.0.1:0", "--dir", dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopLimit
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	end = func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		return cmd.Wait()
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, at, ok := strings.Cut(lines.Text(), started); ok {
			go func() { // it may print more
				for lines.Scan() {
				}
			}()
			return strings.TrimSpace(at), end, nil
		}
	}
	return "", nil, errors.Join(errors.New("the program did not start"), end())
}

func photograph(b *browser.Browser, url, path, file string, dark bool) error {
	tab, err := b.Open(url, browser.Look{Width: 1280, Height: 800, Dark: dark})
	if err != nil {
		return err
	}
	defer tab.Close()
	if err := tab.SignIn("engineer@example.com"); err != nil {
		return err
	}
	if err := tab.Visit(path); err != nil {
		return err
	}
	return tab.Snap(file)
}
