// Package hotswap reads a tenant's configuration from a HotSwap server and keeps it in memory: it is pushed by the
// server, polled where a stream cannot get through, and read from a file when there is no server at all.
//
//	client, err := hotswap.New(hotswap.Options{URL: "https://config.example.com", Key: key, Environment: "Production"})
//	…
//	defer client.Close()
//	if client.Bool("feature.new_dashboard", false) { … }
//
// Reading a value never blocks and never fails: a key that is not there, or is of another type, has the default that
// the caller names. It takes no lock either.
package hotswap
