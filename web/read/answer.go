package read

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/web"
)

// lines are those of headers that many answers have. They are made once and only read afterwards.
type lines struct{ json, noCache, byEncoding, gzip, stale []string }

func newLines() lines {
	return lines{
		json: []string{echo.MIMEApplicationJSON}, noCache: []string{"private, no-cache"},
		byEncoding: []string{echo.HeaderAcceptEncoding}, gzip: []string{"gzip"}, stale: []string{"true"},
	}
}

// unmodified sets what every answer carries and tells whether the caller has this one already, whatever its encoding.
func (h Handlers) unmodified(c echo.Context, snap *snapshots.Snapshot, tag []string) bool {
	header := c.Response().Header()
	header["Etag"] = tag
	h.told(c, snap)
	return held(c.Request().Header, tag[0])
}

// told sets what every answer carries but a tag. Names of headers are as net/http spells them.
func (h Handlers) told(c echo.Context, snap *snapshots.Snapshot) {
	header := c.Response().Header()
	header[echo.HeaderCacheControl] = h.lines.noCache
	if snap.Stale {
		header["X-Hotswap-Stale"] = h.lines.stale
		header["Age"] = []string{strconv.Itoa(int(snap.Age.Seconds()))}
	}
}

// held tells whether the caller has what bears the tag. If-None-Match compares weakly (RFC 9110, 13.1.2).
func held(request http.Header, tag string) bool {
	for _, line := range request["If-None-Match"] {
		for candidate := range strings.SplitSeq(line, ",") {
			candidate = strings.TrimSpace(candidate)
			if candidate == "*" || snapshots.SameTag(strings.TrimPrefix(candidate, "W/"), tag) {
				return true
			}
		}
	}
	return false
}

// send sends the answer in one write.
func (h Handlers) send(c echo.Context, form *snapshots.Form) error {
	header := c.Response().Header()
	header[echo.HeaderContentType] = h.lines.json
	header[echo.HeaderContentLength] = form.Length
	if form.Packed {
		header[echo.HeaderContentEncoding] = h.lines.gzip
	}
	web.AtOnce(c.Request(), len(form.Body))
	c.Response().WriteHeader(http.StatusOK)
	_, err := c.Response().Write(form.Body)
	return err
}

// sendBody sends what was made for this caller alone.
func (h Handlers) sendBody(c echo.Context, body []byte) error {
	return h.send(c, &snapshots.Form{Body: body, Length: []string{strconv.Itoa(len(body))}})
}

// takesGzip tells whether the caller would rather have the answer with gzip (RFC 9110, 12.5.3).
func takesGzip(header http.Header) bool {
	for _, line := range header[echo.HeaderAcceptEncoding] {
		for coding := range strings.SplitSeq(line, ",") {
			name, weight, _ := strings.Cut(coding, ";")
			if strings.EqualFold(strings.TrimSpace(name), "gzip") {
				return !refused(weight)
			}
		}
	}
	return false
}

// refused tells whether a weight is zero: q=0, q=0.0 and so on.
func refused(weight string) bool {
	_, q, ok := strings.Cut(weight, "=")
	return ok && strings.Trim(strings.TrimSpace(q), "0.") == "" && strings.TrimSpace(q) != ""
}
