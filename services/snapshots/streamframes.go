package snapshots

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"

	"github.com/hotswap/hotswap/models"
)

// pair is a key with its value. The texts are those of the layer sets.
type pair struct {
	key   string
	value models.Value
}

func pairs(snap *Snapshot) []pair {
	entries := snap.Entries()
	out := make([]pair, len(entries))
	for i, r := range entries {
		out[i] = pair{r.Key, r.Value}
	}
	return out
}

// event begins a frame. What follows is one line.
func event(name, id string, size int) []byte {
	out := make([]byte, 0, size+len(name)+len(id)+32)
	if name != "" {
		out = append(append(append(out, "event: "...), name...), '\n')
	}
	return append(append(append(out, "id: "...), id...), "\ndata: "...)
}

// snapshotFrame holds all values: the body of the bulk read, which is one line.
func snapshotFrame(id string, body []byte) []byte {
	return append(append(event("snapshot", id, len(body)), body...), "\n\n"...)
}

// changeFrame holds what moved between two lists in the order of keys.
func changeFrame(id, revision string, from, to []pair) []byte {
	set, gone := moved(from, to)
	out := append(append(event("change", id, 256), `{"revision":`...), models.Text(revision)...)
	out = append(out, `,"set":{`...)
	for i, p := range set {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendName(out, p.key), p.value...)
	}
	out = append(out, `},"unset":[`...)
	for i, key := range gone {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), key...), '"')
	}
	return append(out, "]}\n\n"...)
}

// moved is what differs between two lists in the order of keys.
func moved(from, to []pair) (set []pair, gone []string) {
	for len(from) > 0 || len(to) > 0 {
		switch {
		case len(to) == 0 || len(from) > 0 && from[0].key < to[0].key:
			gone = append(gone, from[0].key)
			from = from[1:]
		case len(from) == 0 || to[0].key < from[0].key:
			set = append(set, to[0])
			to = to[1:]
		default:
			if from[0].value != to[0].value {
				set = append(set, to[0])
			}
			from, to = from[1:], to[1:]
		}
	}
	return set, gone
}

// refetchFrame asks who uses OFREP to evaluate anew (OpenFeature protocol, ADR 0008). lastModified is in seconds.
func refetchFrame(id, tag string, at time.Time) []byte {
	out := append(event("", id, 128), `{"type":"refetchEvaluation","etag":`...)
	out = append(append(out, models.Text(tag)...), `,"lastModified":`...)
	return append(strconv.AppendInt(out, at.Unix(), 10), "}\n\n"...)
}

// readyFrame begins a stream of notices. Who did not resume may have missed some.
func readyFrame(id string, resumed bool) []byte {
	out := append(event("ready", id, 32), `{"resumed":`...)
	return append(strconv.AppendBool(out, resumed), "}\n\n"...)
}

// noticeFrame says that a tenant or layer moved. The revision names its own state; what it inherits has no part in it.
func noticeFrame(id, layer, token string) []byte {
	state := sha256.Sum256([]byte(layer + "\x00" + token))
	out := append(append(event("change", id, 128), `{"tenantId":`...), models.Text(layer)...)
	out = append(append(out, `,"revision":`...), models.Text(base64.RawURLEncoding.EncodeToString(state[:18]))...)
	return append(out, "}\n\n"...)
}
