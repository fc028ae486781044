package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/services/telemetry"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// canary stands for all that no span may hold.
const canary = "canary-5f1c"

// observed is telemetry that keeps its spans here.
type observed struct {
	*telemetry.Telemetry

	t        *testing.T
	registry *prometheus.Registry
	exporter *tracetest.InMemoryExporter
}

func observe(t *testing.T) observed {
	t.Helper()
	o := observed{t: t, registry: prometheus.NewRegistry(), exporter: tracetest.NewInMemoryExporter()}
	var err error
	o.Telemetry, err = telemetry.New(telemetry.Options{
		Exporter: keeping{o.exporter}, Sampler: sdktrace.AlwaysSample(), Version: "1", InstanceID: "one", Metrics: o.registry,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Stop(context.WithoutCancel(t.Context())) })
	return o
}

// keeping is not emptied when it is stopped.
type keeping struct{ *tracetest.InMemoryExporter }

func (keeping) Shutdown(context.Context) error { return nil }

// spans are all that ended so far, each as one text; none of them holds the canary.
func (o observed) spans() (out []string) {
	o.t.Helper()
	if err := o.Flush(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
	for _, s := range o.exporter.GetSpans() {
		words := []string{s.Name}
		for _, a := range s.Attributes {
			words = append(words, string(a.Key)+"="+fmt.Sprint(a.Value.AsInterface()))
		}
		if s.Status.Code == codes.Error {
			words = append(words, "failed", s.Status.Description)
		}
		text := strings.Join(words, " ")
		if whole := fmt.Sprintf("%+v", s); strings.Contains(whole, canary) {
			o.t.Errorf("a span holds what it must not: %s", whole)
		}
		if strings.Contains(text, "db.") && !s.Parent.IsValid() {
			o.t.Errorf("a statement without its call: %s", text)
		}
		out = append(out, text)
	}
	return out
}

// has tells whether there is a text with all the parts.
func has(texts []string, parts ...string) bool {
	return slices.ContainsFunc(texts, func(text string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
	})
}

func TestStatementsKeepTheirPlaceholders(t *testing.T) {
	t.Parallel()
	o := observe(t)
	db, err := store.Open(t.Context(), store.Options{
		URL: storetest.New(t).URL, MaxConns: 2, Log: slog.New(slog.DiscardHandler), Tracer: o.Database(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if got := o.spans(); len(got) != 0 {
		t.Errorf("what runs outside of calls makes spans: %q", got)
	}

	ctx, call := o.Tracer().Start(models.WithActor(t.Context(), models.System("scan")), "call")
	err = db.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		var one, two string
		if err := tx.Raw(`SELECT ?::text`, canary).Scan(&one).Error; err != nil {
			return err
		}
		return store.Send(ctx, store.Statement{SQL: `SELECT @what::text`, Args: map[string]any{"what": canary}, Into: []any{&two}})
	})
	if err != nil {
		t.Error(err)
	}
	err = db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error { return tx.Exec(`SELECT ?::text::int`, canary).Error })
	if err == nil {
		t.Error("a canary became a number")
	}
	call.End()

	got := o.spans()
	for _, want := range [][]string{
		{"BEGIN ", "db.system.name=postgresql"},
		{"ROLLBACK "},
		{"COMMIT "},
		{"SELECT ", "db.query.text=SELECT $1::text", "db.operation.name=SELECT"},
		{"BATCH ", "db.query.text=SELECT $1::text", "db.operation.batch.size=1"},
		{"SELECT ", "$1::text::int", "db.response.status_code=22P02", "error.type=22P02", "failed "},
	} {
		if !has(got, want...) {
			t.Errorf("no span %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
}

func TestSampling(t *testing.T) {
	t.Parallel()
	const read = "GET /read"
	tests := map[string]struct {
		name, argument string
		reads, others  float64 // the share that is sampled
	}{
		"as it comes":     {"", "", telemetry.ReadShare, 1},
		"all":             {"always_on", "", 1, 1},
		"none":            {"always_off", "", 0, 0},
		"a share":         {"traceidratio", "0.5", .5, .5},
		"parents or all":  {"parentbased_always_on", "", 1, 1},
		"parents only":    {"parentbased_always_off", "", 0, 0},
		"parents or some": {"ParentBased_TraceIDRatio", "0.25", .25, .25},
		"whole share":     {"parentbased_traceidratio", "", 1, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sampler, err := telemetry.Sampling(test.name, test.argument, []string{read})
			if err != nil {
				t.Fatal(err)
			}
			observed, err := telemetry.New(telemetry.Options{Exporter: tracetest.NewNoopExporter(), Sampler: sampler, Metrics: prometheus.NewRegistry()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = observed.Stop(context.WithoutCancel(t.Context())) }) // it sends to nobody
			tracer := observed.Tracer()
			for span, want := range map[string]float64{read: test.reads, "POST /write": test.others} {
				const many = 20_000
				sampled := 0
				for range many {
					_, s := tracer.Start(t.Context(), span)
					if s.SpanContext().IsSampled() {
						sampled++
					}
					s.End()
				}
				if got := float64(sampled) / many; got < want*.8 || got > want*1.2 {
					t.Errorf("%s: %.4f are sampled, want %.4f", span, got, want)
				}
			}
		})
	}
	for _, bad := range [][2]string{{"jaeger_remote", ""}, {"traceidratio", "2"}, {"traceidratio", "NaN"}, {"traceidratio", "-0.1"}, {"", "x"}} {
		if _, err := telemetry.Sampling(bad[0], bad[1], nil); err == nil || strings.Contains(err.Error(), bad[0]+bad[1]) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestJobsAreTraces(t *testing.T) {
	t.Parallel()
	o := observe(t)
	middleware, ok := o.Jobs(time.Now).(rivertype.WorkerMiddleware)
	if !ok {
		t.Fatal("it is not around jobs")
	}
	row := &rivertype.JobRow{ID: 7, Kind: "some_job", Attempt: 2, EncodedArgs: []byte(`{"id":"` + canary + `"}`)}
	work := func(fails error) {
		t.Helper()
		err := middleware.Work(t.Context(), row, func(context.Context) error { return fails })
		if !errors.Is(err, fails) {
			t.Errorf("%v became %v", fails, err)
		}
	}
	work(nil)
	work(models.Conflict(canary))
	work(fmt.Errorf("it says %s: %w", canary, context.DeadlineExceeded))
	work(&rivertype.JobSnoozeError{Duration: time.Second})
	func() {
		defer func() {
			if recover() != canary {
				t.Error("the panic did not come through")
			}
		}()
		_ = middleware.Work(t.Context(), row, func(context.Context) error { panic(canary) })
	}()
	got := o.spans()
	for _, want := range []string{"error.type=conflict failed", "error.type=timeout failed", "error.type=_OTHER failed"} {
		if !has(got, want) {
			t.Errorf("no span %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
	if len(got) != 5 || !has(got, "job some_job", "hotswap.job.id=7", "hotswap.job.attempt=2") {
		t.Errorf("spans\n%s", strings.Join(got, "\n"))
	}
	for result, want := range map[string]float64{"ok": 1, "failed": 3, "snoozed": 1} {
		if n := counted(t, o.registry, "hotswap_jobs_total", result); n != want {
			t.Errorf("%s: %v, want %v", result, n, want)
		}
	}
}

// counted is the counter of that name with that value of the label result.
func counted(t *testing.T, registry *prometheus.Registry, name, result string) (n float64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if family.GetName() == name && label.GetName() == "result" && label.GetValue() == result {
					n += metric.GetCounter().GetValue()
				}
			}
		}
	}
	return n
}

func TestLogsKnowTheirTrace(t *testing.T) {
	t.Parallel()
	o := observe(t)
	var text strings.Builder
	log := slog.New(telemetry.Logs(slog.NewTextHandler(&text, nil))).With("a", 1).WithGroup("g")
	log.InfoContext(t.Context(), "outside")
	if strings.Contains(text.String(), "trace_id") {
		t.Errorf("a trace that is none: %s", &text)
	}
	ctx, span := o.Tracer().Start(t.Context(), "call")
	log.InfoContext(ctx, "inside", "b", 2)
	at := span.SpanContext()
	for _, want := range []string{"a=1", "g.b=2", "trace_id=" + at.TraceID().String(), "span_id=" + at.SpanID().String()} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %s in %s", want, &text)
		}
	}
}

func TestWithoutAReceiverNothingIsTraced(t *testing.T) {
	t.Parallel()
	off, err := telemetry.New(telemetry.Options{Metrics: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	if off.Tracer() != nil {
		t.Error("there is a tracer")
	}
	if err := errors.Join(off.Flush(t.Context()), off.Stop(t.Context())); err != nil {
		t.Error(err)
	}
}

// deaf is a receiver that takes nothing.
type deaf struct{}

func (deaf) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	return errors.New("nobody is there")
}
func (deaf) Shutdown(context.Context) error { return nil }

func TestSpansAreCounted(t *testing.T) {
	t.Parallel()
	o := observe(t)
	_, span := o.Tracer().Start(t.Context(), "one")
	span.End()
	o.spans()
	if n := counted(t, o.registry, "hotswap_spans_total", "sent"); n != 1 {
		t.Errorf("%v sent", n)
	}
	registry := prometheus.NewRegistry()
	lost, err := telemetry.New(telemetry.Options{Exporter: deaf{}, Sampler: sdktrace.AlwaysSample(), Metrics: registry})
	if err != nil {
		t.Fatal(err)
	}
	_, span = lost.Tracer().Start(t.Context(), "one")
	span.End()
	if err := lost.Flush(t.Context()); err != nil {
		t.Log(err) // the processor may say so, or not
	}
	if n := counted(t, registry, "hotswap_spans_total", "failed"); n != 1 {
		t.Errorf("%v failed", n)
	}
	_ = lost.Stop(t.Context())
}
