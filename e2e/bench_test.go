package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

func quantile(all []time.Duration, q float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return float64(sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]) / float64(time.Millisecond)
}

// BenchmarkOpenLoop asks the real binary 1,000 times a second, whether it keeps up or not; a late answer is late
// from the time at which it was due to be asked for.
func BenchmarkOpenLoop(b *testing.B) {
	s := dev(b)
	makeTenant(s, "acme", "Pro")
	for i := range 20 {
		s.as("engineer").post("/configs", fmt.Sprintf(`{"tenantId":"acme","key":"k%d","value":%q,"environment":"Staging"}`, i, strings.Repeat("v", 400))).want(http.StatusCreated)
	}
	const rate, seconds = 1000, 10
	app := s.as("app")
	app.get("/configs/tenant/acme?environment=Staging").want(http.StatusOK)
	for range b.N {
		took, failed := make([]time.Duration, rate*seconds), atomic.Int64{}
		var wait sync.WaitGroup
		start := time.Now()
		for i := range took {
			due := start.Add(time.Duration(i) * time.Second / rate)
			time.Sleep(time.Until(due))
			wait.Go(func() {
				r, err := app.try(app.request("GET", "/configs/tenant/acme?environment=Staging", nil))
				if err != nil || r.status != http.StatusOK {
					failed.Add(1)
				}
				took[i] = time.Since(due)
			})
		}
		wait.Wait()
		b.ReportMetric(quantile(took, 0.5), "p50-ms")
		b.ReportMetric(quantile(took, 0.99), "p99-ms")
		b.ReportMetric(float64(failed.Load()), "failed")
	}
}

// BenchmarkWrites sets values through the API beside the plain transaction that a durable change needs at least,
// on the same Postgres with fsync on.
func BenchmarkWrites(b *testing.B) {
	s := dev(b)
	const tenants, lasting = 32, 4 * time.Second
	for n := range tenants {
		makeTenant(s, fmt.Sprintf("tenant-%d", n), "Pro")
	}
	raw := rawTables(b, s)
	author := s.as("engineer")
	for _, load := range []struct{ writers, tenants int }{{1, 1}, {8, 1}, {32, 1}, {32, tenants}} {
		b.Run(fmt.Sprintf("%d-writers-%d-tenants", load.writers, load.tenants), func(b *testing.B) {
			for range b.N {
				var refused atomic.Int64
				sql := writeFor(b, load.writers, lasting, func(ctx context.Context, writer, n int) error {
					return rawWrite(ctx, raw, writer%load.tenants, writer%100, n)
				})
				api := writeFor(b, load.writers, lasting, func(_ context.Context, writer, n int) error {
					body := fmt.Sprintf(`{"tenantId":"tenant-%d","key":"key-%d","value":%d,"environment":"Development"}`, writer%load.tenants, writer%100, n)
					r, err := author.try(author.request("POST", "/configs", body))
					switch {
					case err == nil && r.status == http.StatusServiceUnavailable:
						refused.Add(1) // the layer had no turn within half a second
						return nil
					case err == nil && r.status != http.StatusCreated:
						return fmt.Errorf("%d: %s", r.status, r.body)
					}
					return err
				})
				b.ReportMetric(float64(refused.Load()), "api-refused")
				report(b, "sql", sql, lasting)
				report(b, "api", api, lasting)
				b.ReportMetric(quantile(api, 0.5)/quantile(sql, 0.5), "p50-ratio")
			}
		})
	}
}

func report(b *testing.B, name string, took []time.Duration, lasting time.Duration) {
	b.Helper()
	b.ReportMetric(quantile(took, 0.5), name+"-p50-ms")
	b.ReportMetric(quantile(took, 0.99), name+"-p99-ms")
	b.ReportMetric(float64(len(took))/lasting.Seconds(), name+"-writes/s")
}

// writeFor has a number of writers write for a time and returns how long each write took.
func writeFor(b *testing.B, writers int, lasting time.Duration, write func(ctx context.Context, writer, n int) error) []time.Duration {
	b.Helper()
	took := make([][]time.Duration, writers)
	var wait sync.WaitGroup
	until := time.Now().Add(lasting)
	for writer := range writers {
		wait.Go(func() {
			for n := 0; time.Now().Before(until); n++ {
				start := time.Now()
				if err := write(b.Context(), writer, n); err != nil {
					b.Errorf("write: %v", err)
					return
				}
				took[writer] = append(took[writer], time.Since(start))
			}
		})
	}
	wait.Wait()
	return slices.Concat(took...)
}

// rawTables are a head, its versions and an audit log without anything else.
func rawTables(b *testing.B, s *stack) *pgxpool.Pool {
	b.Helper()
	config, err := pgxpool.ParseConfig(s.databaseURL("postgres"))
	if err != nil {
		b.Fatal(err)
	}
	config.MaxConns = 32
	pool, err := pgxpool.NewWithConfig(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	_, err = pool.Exec(b.Context(), `CREATE SCHEMA raw;
		CREATE TABLE raw.head (tenant int, key int, version bigint NOT NULL, value text NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (tenant, key));
		CREATE TABLE raw.version (tenant int, key int, version bigint, value text NOT NULL, author text NOT NULL, at timestamptz NOT NULL DEFAULT now(),
			PRIMARY KEY (tenant, key, version));
		CREATE TABLE raw.audit (id bigserial PRIMARY KEY, at timestamptz NOT NULL, actor text NOT NULL, action text NOT NULL, tenant int, key int, detail jsonb);
		CREATE INDEX ON raw.audit (tenant, at);
		INSERT INTO raw.head SELECT t, k, 1, 'v' FROM generate_series(0, 99) t, generate_series(0, 99) k`)
	if err != nil {
		b.Fatal(err)
	}
	return pool
}

// rawWrite is begin, three statements and commit: five round trips.
func rawWrite(ctx context.Context, pool *pgxpool.Pool, tenant, key, n int) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		for _, statement := range []struct {
			sql  string
			args []any
		}{
			{`INSERT INTO raw.version (tenant, key, version, value, author)
				SELECT tenant, key, version + 1, $3, 'somebody' FROM raw.head WHERE tenant = $1 AND key = $2 FOR UPDATE`, []any{tenant, key, strconv.Itoa(n)}},
			{`UPDATE raw.head SET version = version + 1, value = $3, at = now() WHERE tenant = $1 AND key = $2`, []any{tenant, key, strconv.Itoa(n)}},
			{`INSERT INTO raw.audit (at, actor, action, tenant, key, detail) VALUES (now(), 'somebody', 'config.set', $1, $2, '{}')`, []any{tenant, key}},
		} {
			if _, err := tx.Exec(ctx, statement.sql, statement.args...); err != nil {
				return err
			}
		}
		return nil
	})
}
