package snapshots

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
)

// FlagStreamPath is where those who hold flags are told to ask anew.
const FlagStreamPath = "/ofrep/v1/events"

// Reasons of the OpenFeature specification.
const (
	reasonStatic = "STATIC" // whoever reads the tenant's values gets it
	reasonSplit  = "SPLIT"  // a deployment on its way gives it to some
)

// flagBytes is about how much an entry takes in the answer to an evaluation of all flags, beside key and value.
const flagBytes = 160

// FlagsTag is the strong ETag of Flags.
func (s *Snapshot) FlagsTag() string { return strings.TrimSuffix(s.ETag, `"`) + `.ofrep"` }

// Flags is the answer to an evaluation of all flags, as the OpenFeature Remote Evaluation Protocol has it, plain or with
// gzip if it is worth that.
func (s *Snapshot) Flags(packed bool) *Form {
	return s.form(s.flags, packed, s.FlagsTag(), s.encodeFlags)
}

func (s *Snapshot) encodeFlags() []byte {
	size := 300
	for _, r := range s.entries {
		size += flagBytes + len(r.Key) + len(r.Value)
	}
	out := append(make([]byte, 0, size), `{"flags":[`...)
	for i, r := range s.entries {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendFlag(out, r)
	}
	out = append(out, `],"eventStreams":[{"type":"sse","endpoint":{"requestUri":"`...)
	out = append(append(out, s.flagStream()...), `"}}]`...)
	out = append(append(out, `,"metadata":{"revision":`...), models.Text(s.Revision)...)
	return append(out, `}}`...)
}

// flagStream is where the moves of this snapshot are told, without an origin: that is the one the caller knows us by.
func (s *Snapshot) flagStream() string {
	return FlagStreamPath + "?" + url.Values{"tenantId": {s.TenantID}, "environment": {s.Environment}}.Encode()
}

// Split tells whether a deployment on its way gives some readers other values than others.
func (s *Snapshot) Split() bool { return len(s.overlays) > 0 }

// FlagBody is the answer to an evaluation of one flag of the snapshot.
func (s *Snapshot) FlagBody(r configs.Resolved) []byte {
	return appendFlag(make([]byte, 0, flagBytes+2*len(r.Layer)+len(r.Key)+len(r.Value)), r)
}

// appendFlag writes one evaluated flag. Keys, layers and types hold nothing that JSON escapes.
func appendFlag(out []byte, r configs.Resolved) []byte {
	out = append(append(append(out, `{"key":"`...), r.Key...), `","value":`...)
	out = append(append(append(out, r.Value...), `,"reason":"`...), reasonOf(r)...)
	out = append(appendVariant(append(out, `","variant":"`...), r), `","metadata":{"layer":"`...)
	out = strconv.AppendInt(append(append(out, r.Layer...), `","version":`...), r.Version, 10)
	return append(append(append(out, `,"type":"`...), r.Type...), `"}}`...)
}

// reasonOf is why the flag has this value.
func reasonOf(r configs.Resolved) string {
	if r.Deployed != "" {
		return reasonSplit
	}
	return reasonStatic
}

// appendVariant names the value: the layer and version that it was set with, "acme-corp:7", after those of the layers
// above whose members are merged into it. Another value of the flag has another name, in all places where it is read.
func appendVariant(out []byte, r configs.Resolved) []byte {
	for _, h := range r.Hides {
		if h.Why == configs.WhyMerged {
			out = strconv.AppendInt(append(append(out, h.Layer...), ':'), h.Version, 10)
			out = append(out, '+')
		}
	}
	return strconv.AppendInt(append(append(out, r.Layer...), ':'), r.Version, 10)
}
