package telemetry

import (
	"errors"
	"strconv"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// ReadShare is which part of the resolved reads begins a trace, when nobody says otherwise.
const ReadShare = 0.01

// Sampling chooses the traces. Its name and argument are those of OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG.
// Without a name the caller's choice holds; of what has no such caller, all is traced but of the reads, which spans
// of those names begin, only ReadShare.
func Sampling(name, argument string, reads []string) (sdktrace.Sampler, error) {
	share := 1.0
	if argument != "" {
		var err error
		if share, err = strconv.ParseFloat(argument, 64); err != nil || !(share >= 0 && share <= 1) {
			return nil, errors.New("the argument of a sampler is a number from 0 to 1")
		}
	}
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "":
		return sdktrace.ParentBased(newByName(reads)), nil
	case "always_on":
		return sdktrace.AlwaysSample(), nil
	case "always_off":
		return sdktrace.NeverSample(), nil
	case "traceidratio":
		return sdktrace.TraceIDRatioBased(share), nil
	case "parentbased_always_on":
		return sdktrace.ParentBased(sdktrace.AlwaysSample()), nil
	case "parentbased_always_off":
		return sdktrace.ParentBased(sdktrace.NeverSample()), nil
	case "parentbased_traceidratio":
		return sdktrace.ParentBased(sdktrace.TraceIDRatioBased(share)), nil
	default:
		return nil, errors.New("there is no such sampler")
	}
}

// byName samples all but the reads, which would drown the rest.
type byName struct {
	reads map[string]bool
	few   sdktrace.Sampler
	all   sdktrace.Sampler
}

func newByName(reads []string) byName {
	s := byName{reads: map[string]bool{}, few: sdktrace.TraceIDRatioBased(ReadShare), all: sdktrace.AlwaysSample()}
	for _, name := range reads {
		s.reads[name] = true
	}
	return s
}

// ShouldSample looks at the name of the first span of a trace.
func (s byName) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if s.reads[p.Name] {
		return s.few.ShouldSample(p)
	}
	return s.all.ShouldSample(p)
}

// Description names the sampler.
func (s byName) Description() string {
	return "reads:" + s.few.Description() + ",rest:" + s.all.Description()
}
