package wire

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"

	"github.com/hotswap/hotswap/models"
)

// drainBytes is how much of a body that is too large is read and thrown away.
const drainBytes = 4 << 20

// ReadBody reads a request's body of at most limit bytes and checks that it is strict JSON. It is nil when empty.
// It fails with too_large, timeout, unsupported_media_type, malformed or invalid.
func ReadBody(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil || r.ContentLength == 0 {
		return nil, nil // there is none to read
	}
	body, err := readAtMost(r, limit)
	if err != nil || len(body) == 0 {
		return nil, err
	}
	if !isJSON(r.Header) {
		return nil, &models.Error{Code: models.CodeUnsupportedMediaType, Message: "the body must be application/json"}
	}
	if err := models.CheckJSON(body); err != nil {
		return nil, err
	}
	return body, nil
}

func readAtMost(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(r)
	}
	body, err := readAll(r, limit)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &models.Error{Code: models.CodeTimeout, Message: "the body did not arrive in time"}
	case err != nil: // chunks that are none, or a connection that broke
		return nil, models.Malformed("the body could not be read to its end")
	case int64(len(body)) > limit:
		return nil, tooLarge(r)
	default:
		return body, nil
	}
}

// readAll reads a body that says how long it is, and is short, without more memory than that; one byte more than the
// limit of any other.
func readAll(r *http.Request, limit int64) ([]byte, error) {
	const short = 16 << 10
	if r.ContentLength < 0 || r.ContentLength > short {
		return io.ReadAll(io.LimitReader(r.Body, limit+1))
	}
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, body)
	return body, err
}

// tooLarge reads on for a while: most clients send all before they read, and would see a broken connection
// instead of the answer.
func tooLarge(r *http.Request) error {
	_, _ = io.CopyN(io.Discard, r.Body, drainBytes) // how it ends does not change the answer
	return &models.Error{Code: models.CodeTooLarge, Message: "the body is too large"}
}

// isJSON tells whether the headers promise a body we read: JSON, in UTF-8, as it is. Without a promise it is JSON.
func isJSON(h http.Header) bool {
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return false
	}
	types := h["Content-Type"]
	if len(types) == 0 || len(types) == 1 && (types[0] == "application/json" || types[0] == "application/json; charset=utf-8") {
		return true // as nearly everybody writes it
	}
	media, params, err := mime.ParseMediaType(types[0])
	charset, named := params["charset"]
	return len(types) == 1 && err == nil && media == "application/json" &&
		(!named || strings.EqualFold(charset, "utf-8"))
}
