package hotswap_test

import (
	"fmt"
	"os"

	hotswap "github.com/hotswap/hotswap/client"
)

func ExampleNew() {
	client, err := hotswap.New(hotswap.Options{
		URL:         "https://config.example.com",
		Key:         os.Getenv("HOTSWAP_KEY"), // an API key with the role reader
		Tenant:      "acme-corp",              // may be left out for a key of one tenant and environment
		Environment: "Production",
		File:        "/var/lib/shop/config", // last known good
		Unit:        "shop-7d9f",            // this instance
	})
	if err != nil {
		fmt.Println(err) // only ever: the options are wrong
		return
	}
	defer client.Close()

	if client.Bool("feature.new_dashboard", false) {
		fmt.Println("the new dashboard")
	}
}

func ExampleClient_Snapshot() {
	var client *hotswap.Client
	read := func() {
		now := client.Snapshot()
		from, to := now.Int("window.from", 0), now.Int("window.to", 24)
		fmt.Println(from, to)
	}
	_ = read
}

func ExampleClient_OnChange() {
	var client *hotswap.Client
	watch := func() {
		stop := client.OnChange("limits.rate", func(c hotswap.Change) {
			fmt.Printf("%s went from %s to %s\n", c.Key, c.Old, c.New)
		})
		defer stop()
	}
	_ = watch
}
