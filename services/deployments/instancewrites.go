package deployments

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

const (
	// writeEvery is how often what was gathered is written.
	writeEvery = 2 * time.Second
	// writeTimeout bounds one writing.
	writeTimeout = 2 * time.Second
	// writeBatch is how many instances one statement writes.
	writeBatch = 2_000
	// pruneEvery is how many writings lie between two times that silent instances are removed.
	pruneEvery = 150
)

// upsertSQL writes heartbeats as they are, unless another node wrote a later one. It counts back from the clock of
// the database, for the clocks of nodes may differ.
const upsertSQL = `
WITH beat AS (
  SELECT b.*, clock_timestamp() AS at
  FROM jsonb_to_recordset(CAST(? AS jsonb)) AS b(tenant text, environment text, unit text, revision text, client text, seen float8, held float8)
)
INSERT INTO instances AS i (tenant_id, environment, unit, revision, client, first_seen_at, last_seen_at, current_at)
SELECT tenant, environment, unit, revision, client, at - seen * interval '1 second', at - seen * interval '1 second', at - held * interval '1 second'
FROM beat
ON CONFLICT (tenant_id, environment, unit) DO UPDATE
SET revision = excluded.revision, client = excluded.client, last_seen_at = excluded.last_seen_at,
    current_at = coalesce(excluded.current_at, i.current_at)
WHERE i.last_seen_at < excluded.last_seen_at
RETURNING tenant_id, environment, unit, first_seen_at`

// pruneSQL removes what was silent for a day, and of a crowd that is too large those that were silent longest. One
// node at a time does; the others have nothing to add.
const pruneSQL = `
DELETE FROM instances i
USING (
  SELECT tenant_id, environment, unit, last_seen_at,
         row_number() OVER (PARTITION BY tenant_id, environment ORDER BY last_seen_at DESC) AS place
  FROM instances
) o
WHERE pg_try_advisory_xact_lock(hashtextextended('instances', 0))
  AND (o.place > ? OR o.last_seen_at < clock_timestamp() - interval '24 hours')
  AND i.tenant_id = o.tenant_id AND i.environment = o.environment AND i.unit = o.unit`

// beatRow is a heartbeat as upsertSQL takes it.
type beatRow struct {
	Tenant      string   `json:"tenant"`
	Environment string   `json:"environment"`
	Unit        string   `json:"unit"`
	Revision    string   `json:"revision"`
	Client      string   `json:"client"`
	Seen        float64  `json:"seen"` // seconds ago
	Held        *float64 `json:"held"` // how long ago it held the revision of then
}

// Run writes what was gathered every few seconds until the context ends, and what is left then.
func (s *Instances) Run(ctx context.Context) {
	tick := time.NewTicker(writeEvery)
	defer tick.Stop()
	failing := false
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			s.step(context.WithoutCancel(ctx), false, failing)
			return
		case <-tick.C:
			failing = s.step(ctx, n%pruneEvery == 0, failing)
		}
	}
}

// step writes, and says once that it fails and once that it works again.
func (s *Instances) step(ctx context.Context, prune, wasFailing bool) (failing bool) {
	err := s.Write(ctx)
	if err == nil && prune {
		err = s.Prune(ctx)
	}
	s.gathered.forgetSilent(s.now().Add(-forgetAfter))
	switch {
	case err != nil && !wasFailing:
		s.log.WarnContext(ctx, "the heartbeats of instances are not written yet", slog.Any("error", err))
	case err == nil && wasFailing:
		s.log.InfoContext(ctx, "the heartbeats of instances are written again")
	}
	return err != nil
}

// Write writes what was gathered. What cannot be written stays for the next time.
func (s *Instances) Write(ctx context.Context) error {
	for chunk := range slices.Chunk(s.gathered.due(), writeBatch) {
		first, err := s.write(ctx, chunk)
		if err != nil {
			s.metrics.failed.Inc()
			return err
		}
		s.gathered.wrote(chunk, first)
		s.metrics.written.Add(float64(len(chunk)))
	}
	return nil
}

func (s *Instances) write(ctx context.Context, chunk []models.Instance) (map[models.InstanceKey]time.Time, error) {
	items, err := json.Marshal(s.rows(chunk))
	if err != nil {
		return nil, fmt.Errorf("heartbeats: %w", err)
	}
	var written []struct {
		models.InstanceKey
		FirstSeenAt time.Time
	}
	err = s.asInstances(ctx, func(tx *gorm.DB) error { return tx.Raw(upsertSQL, string(items)).Scan(&written).Error })
	first := make(map[models.InstanceKey]time.Time, len(written))
	for _, w := range written {
		first[w.InstanceKey] = w.FirstSeenAt.UTC()
	}
	return first, err
}

func (s *Instances) rows(chunk []models.Instance) []beatRow {
	now := s.now()
	rows := make([]beatRow, len(chunk))
	for n, i := range chunk {
		rows[n] = beatRow{i.TenantID, i.Environment, i.Unit, i.Revision, i.Client, now.Sub(i.LastSeenAt).Seconds(), nil}
		if i.CurrentAt != nil {
			held := now.Sub(*i.CurrentAt).Seconds()
			rows[n].Held = &held
		}
	}
	return rows
}

// Prune removes instances that were silent for a day, and those beyond what one tenant may have in one environment.
func (s *Instances) Prune(ctx context.Context) error {
	return s.asInstances(ctx, func(tx *gorm.DB) error { return tx.Exec(pruneSQL, maxUnits).Error })
}

// asInstances runs one transaction as the system actor that writes for all tenants.
func (s *Instances) asInstances(ctx context.Context, fn func(*gorm.DB) error) error {
	ctx, cancel := context.WithTimeout(models.WithActor(ctx, models.System("instances")), writeTimeout)
	defer cancel()
	return s.db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error { return fn(tx) })
}

// instanceMetrics counts what becomes of heartbeats.
type instanceMetrics struct{ beats, written, failed prometheus.Counter }

func newInstanceMetrics(registry prometheus.Registerer, s *Instances) instanceMetrics {
	m := instanceMetrics{
		beats: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hotswap_instance_heartbeats_total", Help: "Heartbeats of instances that were accepted.",
		}),
		written: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hotswap_instance_rows_written_total", Help: "Rows of instances written to Postgres; heartbeats that say nothing new are not.",
		}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hotswap_instance_writes_failed_total", Help: "Times that heartbeats could not be written and stayed in memory.",
		}),
	}
	unwritten := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hotswap_instances_unwritten", Help: "Instances whose last heartbeat this node has not written yet.",
	}, func() float64 { n, _ := s.gathered.waiting(); return float64(n) })
	forgotten := prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "hotswap_instances_forgotten_total", Help: "Instances that this node forgot before it wrote them, for there were too many.",
	}, func() float64 { _, n := s.gathered.waiting(); return float64(n) })
	registry.MustRegister(m.beats, m.written, m.failed, unwritten, forgotten)
	return m
}
