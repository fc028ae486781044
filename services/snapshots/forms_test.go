package snapshots_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/hotswap/hotswap/models"
)

// spawn runs a redis-server of a special kind until the test ends, and returns its address.
func spawn(t *testing.T, arguments ...string) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "redis-server", append(arguments, "--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(), "--save", "")...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Wait() }) // the test's context has ended it
	client := redis.NewClient(&redis.Options{Addr: address})
	t.Cleanup(func() { _ = client.Close() })
	eventually(t, 10*time.Second, "it answers", func() bool { return client.Ping(t.Context()).Err() == nil })
	return address
}

// admit makes a user with the rights that docs/operations.md names.
func admit(t *testing.T, admin *redis.Client, more ...string) {
	t.Helper()
	rules := append([]string{
		"reset", "on", ">secret", "~hs:set:*", "&hs:heads", "+hello", "+auth", "+select", "+ping", "+get", "+set", "+del", "+publish", "+subscribe",
	}, more...)
	if err := admin.ACLSetUser(t.Context(), "hotswap", rules...).Err(); err != nil {
		t.Fatal(err)
	}
}

// The same works on a cluster and behind Sentinels.
func TestFormsOfRedis(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) (url string){
		"cluster": func(t *testing.T) string {
			t.Helper()
			address := spawn(t, "--cluster-enabled", "yes")
			client := redis.NewClient(&redis.Options{Addr: address})
			defer client.Close()
			if err := client.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
				t.Fatal(err)
			}
			eventually(t, 10*time.Second, "the cluster is whole", func() bool {
				return strings.Contains(client.ClusterInfo(t.Context()).Val(), "cluster_state:ok")
			})
			admit(t, client, "+cluster|slots", "+cluster|shards", "+command", "+readonly")
			return "redis://hotswap:secret@" + address + "?addr=" + address
		},
		"with least rights": func(t *testing.T) string {
			t.Helper()
			address := spawn(t)
			client := redis.NewClient(&redis.Options{Addr: address})
			defer client.Close()
			admit(t, client)
			return "redis://hotswap:secret@" + address + "/0"
		},
		"sentinel": func(t *testing.T) string {
			t.Helper()
			address := spawn(t)
			host, port, _ := net.SplitHostPort(address)
			file := filepath.Join(t.TempDir(), "sentinel.conf")
			if err := os.WriteFile(file, []byte("sentinel monitor main "+host+" "+port+" 1\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			return "redis://" + spawn(t, file, "--sentinel") + "?master_name=main"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, url := newHouse(t), start(t)
			a := h.node(t, url)
			eventually(t, 5*time.Second, "it listens", func() bool {
				a.Committed([]models.Head{h.db.Head(t, "acme", production)})
				return a.counted(t, notices, "heard") > 0
			})
			a.crowd(t)
			eventually(t, 5*time.Second, "the blobs are written", func() bool { return a.counted(t, writes, "ok") == 3 })
			b := h.node(t, url)
			b.crowd(t)
			if got := b.loads(t); got != 0 {
				t.Errorf("%d loads on the second node", got)
			}
		})
	}
}
