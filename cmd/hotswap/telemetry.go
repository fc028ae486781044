package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/hotswap/hotswap/services/telemetry"
	"github.com/hotswap/hotswap/web/read"
)

// flushTimeout bounds the wait for the receiver of traces when the process ends.
const flushTimeout = 5 * time.Second

// telemetrySettings are the standard variables of OpenTelemetry that decide whether and what we trace. Those that say
// how spans travel (headers, certificates, compression, time-outs, batches) are read by the exporter, and those that
// describe the process by its resource.
type telemetrySettings struct {
	Disabled       string `env:"OTEL_SDK_DISABLED"`
	Exporter       string `env:"OTEL_TRACES_EXPORTER"`
	Endpoint       string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	TracesEndpoint string `env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"`
	Protocol       string `env:"OTEL_EXPORTER_OTLP_PROTOCOL"`
	TracesProtocol string `env:"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"`
	Sampler        string `env:"OTEL_TRACES_SAMPLER"`
	SamplerArg     string `env:"OTEL_TRACES_SAMPLER_ARG"`
}

// readTelemetrySettings is for commands that have no other settings.
func readTelemetrySettings() (telemetrySettings, error) {
	var t telemetrySettings
	if err := errors.Join(env.Parse(&t), t.check()); err != nil {
		return t, usageError{err}
	}
	return t, nil
}

// on tells whether spans go anywhere. Without an endpoint they do not: the standard's default is a port of this
// machine where mostly nobody listens.
func (t telemetrySettings) on() bool {
	return (t.Endpoint != "" || t.TracesEndpoint != "") && !strings.EqualFold(t.Disabled, "true") && t.Exporter != "none"
}

// check complains about all that we cannot do. No complaint repeats a value.
func (t telemetrySettings) check() error {
	if !t.on() {
		return nil
	}
	var bad []error
	if t.Exporter != "" && t.Exporter != "otlp" {
		bad = append(bad, errors.New("OTEL_TRACES_EXPORTER is otlp or none"))
	}
	if protocol := first(t.TracesProtocol, t.Protocol); protocol != "" && protocol != "http/protobuf" {
		bad = append(bad, errors.New("OTEL_EXPORTER_OTLP_PROTOCOL is http/protobuf: spans travel over HTTP"))
	}
	u, err := url.Parse(first(t.TracesEndpoint, t.Endpoint))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		bad = append(bad, errors.New("OTEL_EXPORTER_OTLP_ENDPOINT is not of the form http://host:port or https://host"))
	}
	if _, err := telemetry.Sampling(t.Sampler, t.SamplerArg, nil); err != nil {
		bad = append(bad, fmt.Errorf("OTEL_TRACES_SAMPLER cannot be used: %w", err))
	}
	return errors.Join(bad...)
}

// first is the first text that is not empty.
func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// openTelemetry begins to trace, if it is on. The caller stops it with stopTelemetry.
func openTelemetry(s surroundings, t telemetrySettings, registry *prometheus.Registry) (*telemetry.Telemetry, error) {
	o := telemetry.Options{Version: version, InstanceID: uuid.NewString(), Resource: resource.Environment(), Metrics: registry}
	if t.on() {
		var err error
		if o.Sampler, err = telemetry.Sampling(t.Sampler, t.SamplerArg, read.Spans()); err != nil {
			return nil, usageError{err}
		}
		if o.Exporter, err = otlptracehttp.New(s); err != nil {
			return nil, fmt.Errorf("traces: %w", err)
		}
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
			s.log.WarnContext(s, "traces do not arrive", "error", err)
		}))
		s.log.InfoContext(s, "sending traces")
	}
	return telemetry.New(o)
}

// stopTelemetry sends the spans that still wait.
func stopTelemetry(s surroundings, t *telemetry.Telemetry) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s), flushTimeout)
	defer cancel()
	if err := t.Stop(ctx); err != nil {
		s.log.WarnContext(ctx, "the last traces did not arrive", "error", err)
	}
}
