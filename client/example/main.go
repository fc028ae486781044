// Command example reads a tenant's configuration, prints it, and prints every change until it is interrupted:
//
//	go run ./example -url http://127.0.0.1:8080 -key "$KEY" -tenant globex -environment Production
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"time"

	hotswap "github.com/hotswap/hotswap/client"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var o hotswap.Options
	flag.StringVar(&o.URL, "url", "http://127.0.0.1:8080", "where the server is")
	flag.StringVar(&o.Key, "key", os.Getenv("HOTSWAP_KEY"), "an API key; by default $HOTSWAP_KEY")
	flag.StringVar(&o.Tenant, "tenant", "", "whose configuration; by default that of the key")
	flag.StringVar(&o.Environment, "environment", "", "of which environment; by default that of the key")
	flag.StringVar(&o.Unit, "unit", "", "the name of this instance")
	flag.StringVar(&o.File, "file", "", "where the last known good configuration is kept")
	flag.DurationVar(&o.PollEvery, "poll", 0, "how often to ask while there is no stream")
	flag.Parse()
	o.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	client, err := hotswap.New(o)
	if err != nil {
		return err
	}
	defer client.Close()

	if err := client.Ready(ctx); err != nil {
		return err
	}
	now := client.Snapshot()
	for _, key := range now.Keys() {
		fmt.Printf("%s = %s\n", key, now.Raw(key))
	}
	client.OnChange("", func(c hotswap.Change) { fmt.Printf("%s: %s → %s\n", c.Key, text(c.Old), text(c.New)) })
	report(ctx, client)
	return nil
}

// text is a value as it is printed.
func text(value []byte) string {
	if value == nil {
		return "nothing"
	}
	return string(value)
}

// report prints how the client stands with the server, whenever that changes.
func report(ctx context.Context, client *hotswap.Client) {
	var last hotswap.State
	for {
		if now := client.Status(); now.State != last {
			last = now.State
			fmt.Printf("# %s, revision %s, from the file: %t\n", now.State, now.Revision, now.FromFile)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}
