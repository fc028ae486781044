package telemetry

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// jobMetrics counts the jobs of this node.
type jobMetrics struct {
	tries *prometheus.CounterVec
	took  *prometheus.HistogramVec
}

func newJobMetrics(registry prometheus.Registerer) jobMetrics {
	m := jobMetrics{
		tries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotswap_jobs_total", Help: "Tries of jobs on this node, by kind and result.",
		}, []string{"kind", "result"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hotswap_job_duration_seconds", Help: "How long tries of jobs took, by kind.",
			Buckets: []float64{.005, .025, .1, .5, 1, 5, 10, 30, 60, 300},
		}, []string{"kind"}),
	}
	registry.MustRegister(m.tries, m.took)
	return m
}

// jobs observes the work on jobs. Their arguments hold ids only, and it does not look at them.
type jobs struct {
	river.MiddlewareDefaults
	tracer  trace.Tracer
	metrics jobMetrics
	now     func() time.Time
}

// Jobs observes every job: each is a trace of its own.
func (t *Telemetry) Jobs(now func() time.Time) rivertype.Middleware {
	return &jobs{tracer: t.tracer, metrics: t.jobs, now: now}
}

// Attributes of a job, for which there are no conventions.
const (
	jobKind    = attribute.Key("hotswap.job.kind")
	jobID      = attribute.Key("hotswap.job.id")
	jobAttempt = attribute.Key("hotswap.job.attempt")
)

// errPanicked stands for what a job panicked with, whose words stay inside.
var errPanicked = errors.New("telemetry: the job panicked")

// Work is around each try of a job.
func (j *jobs) Work(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) (err error) {
	began := j.now()
	ctx, span := j.tracer.Start(ctx, "job "+job.Kind, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(jobKind.String(job.Kind), jobID.Int64(job.ID), jobAttempt.Int(job.Attempt)))
	failed := errPanicked
	defer func() {
		j.metrics.took.WithLabelValues(job.Kind).Observe(j.now().Sub(began).Seconds())
		j.metrics.tries.WithLabelValues(job.Kind, jobResult(failed)).Inc()
		if later(failed) {
			failed = nil
		}
		end(span, failed)
	}()
	err = work(ctx)
	failed = err
	return err
}

func jobResult(err error) string {
	switch {
	case err == nil:
		return "ok"
	case later(err):
		return "snoozed"
	default:
		return "failed"
	}
}

// later tells whether the job only wants to be called again.
func later(err error) bool {
	_, snoozed := errors.AsType[*rivertype.JobSnoozeError](err)
	return snoozed
}
