package e2e_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"math/big"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/web/webtest"
)

// awkward is what JSON, URLs, HTML, SQL, Go and Redis write in other ways than it is.
const awkward = "\"'<&>%2B+/\\é€😀 ;$1\t"

// canaries are the secrets of a run: each is told from all others by its number, and all hold a word that is nowhere else.
type canaries struct {
	word   string // of texts: letters and digits, which no escaping changes
	digits string // of numbers
	made   []string
	of     []string // what each is used for
}

func newCanaries(t testing.TB) *canaries {
	t.Helper()
	digits, err := rand.Int(rand.Reader, big.NewInt(9e11))
	if err != nil {
		t.Fatal(err)
	}
	return &canaries{word: "Kz" + rand.Text()[:12], digits: strconv.FormatInt(1e11+digits.Int64(), 10)}
}

// text is a new secret.
func (c *canaries) text(of string) string {
	c.of = append(c.of, of)
	c.made = append(c.made, fmt.Sprintf("%s%s%02d%s", c.word, awkward, len(c.of), c.word))
	return c.made[len(c.made)-1]
}

// number is a new secret that is a number.
func (c *canaries) number(of string) json.Number {
	c.of = append(c.of, of)
	c.made = append(c.made, fmt.Sprintf("%s%02d7", c.digits, len(c.of)))
	return json.Number(c.made[len(c.made)-1])
}

// found tells in which forms the bytes hold a secret, and what is around it.
func (c *canaries) found(in []byte) (hits []string) {
	forms := formsOf(c.word)
	for name, form := range formsOf(c.digits) {
		forms["a number, "+name] = form
	}
	for n, made := range c.made { // whoever may guess a secret finds it by a digest that needs no key
		text, _ := json.Marshal(made) // a text has a JSON form
		for _, whole := range []string{made, string(text)} {
			sum := sha256.Sum256([]byte(whole))
			forms["a digest of "+c.of[n]] = string(sum[:])
			forms["a digest in hex of "+c.of[n]] = hex.EncodeToString(sum[:])
		}
	}
	for name, form := range forms {
		if at := bytes.Index(in, []byte(form)); at >= 0 {
			hits = append(hits, fmt.Sprintf("%s: …%q…", name, in[max(0, at-150):min(len(in), at+200)]))
		}
	}
	return hits
}

// formsOf are the forms in which a word of letters and digits travels. The forms of JSON, HTML and SQL leave it as it is.
func formsOf(word string) map[string]string {
	list := strings.Trim(fmt.Sprintf("%d", []byte(word)), "[]") // as %v prints bytes
	forms := map[string]string{
		"raw": word, "hex": hex.EncodeToString([]byte(word)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(word))),
		"bytes": list, "list": strings.ReplaceAll(list, " ", ","),
	}
	for name, format := range map[string]string{"percent": "%%%02X", "per cent": "%%%02x", "JSON": `\u%04x`, "Go": `\x%02x`, "HTML": "&#%d;", "SQL": `\%03o`} {
		var all strings.Builder
		for _, b := range []byte(word) {
			fmt.Fprintf(&all, format, b)
		}
		forms[name] = all.String()
	}
	for before := range 3 { // what is in front moves the word against the groups of three bytes
		text := base64.StdEncoding.EncodeToString(append(make([]byte, before), word...))
		from, to := (before*8+5)/6, (before+len(word))*8/6 // characters that depend on nothing around the word
		forms["base64 "+strconv.Itoa(before)] = text[from:to]
		forms["base64url "+strconv.Itoa(before)] = strings.NewReplacer("+", "-", "/", "_").Replace(text[from:to])
	}
	return forms
}

// TestCanariesAreSeen makes sure that the tests below can fail.
func TestCanariesAreSeen(t *testing.T) {
	t.Parallel()
	c := newCanaries(t)
	secret, number := c.text("a secret"), c.number("a number")
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(string(quoted))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(quoted)
	for name, text := range map[string]string{
		"raw": secret, "JSON": string(quoted), "JSON in JSON": string(again), "HTML": html.EscapeString(secret), "query": url.QueryEscape(secret),
		"path": url.PathEscape(secret), "Go": strconv.Quote(secret), "ASCII": strconv.QuoteToASCII(secret), "hex": hex.EncodeToString([]byte(secret)),
		"%X": fmt.Sprintf("%X", secret), "%d": fmt.Sprintf("%d", []byte(secret)), "base64": base64.StdEncoding.EncodeToString([]byte(secret)),
		"base64, moved by one": base64.RawURLEncoding.EncodeToString([]byte("1" + secret)), "base64 of JSON in JSON": base64.StdEncoding.EncodeToString(again),
		"base64, moved by two": base64.StdEncoding.EncodeToString([]byte(`{"` + secret)), "number": number.String(), "number as a digest": hex.EncodeToString(sum[:]),
		"number in base64": base64.StdEncoding.EncodeToString([]byte("[" + number.String() + "]")), "cut": secret[:20], "tail": secret[10:],
	} {
		if c.found([]byte("before "+text+" after")) == nil {
			t.Errorf("not found as %s: %s", name, text)
		}
	}
	if hits := c.found([]byte(newCanaries(t).text("another run's"))); hits != nil {
		t.Errorf("found what is not there: %v", hits)
	}
}

// TestSecretsStayWithin does with secrets whatever can be done, and looks for them everywhere but in the answers that are
// there to hold them. What is no secret goes the same ways and is found where it is to be: the test can fail.
func TestSecretsStayWithin(t *testing.T) {
	t.Parallel()
	traces, said := newReceiver(t), &output{}
	w := &witness{t: t, site: webtest.New(t), secret: newCanaries(t), open: newCanaries(t), redis: storetest.NewRedis(t), since: time.Now()}
	w.monitor()
	log := slog.New(slog.NewJSONHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.node = newNode(t, w.site, nodeOptions{redis: w.redis, log: log, traces: traces})
	w.admin = w.session("admin")
	w.doEverything()
	lies := w.lyingInRedis()
	metrics := w.node.metrics(t)
	w.node.stop() // all that waits is written and sent

	traces.mu.Lock()
	spans := bytes.Join(traces.bytes, nil)
	traces.mu.Unlock()
	places := w.tables()
	places["the log"], places["the spans"], places["the metrics"] = []byte(said.String()), spans, []byte(metrics)
	places["the answers"], places["Redis"], places["what Redis is told"] = w.answers.Bytes(), lies, []byte(w.told.String())
	places["the files of the database"] = w.files()
	for name, all := range places {
		for _, hit := range w.secret.found(all) {
			t.Errorf("%s: a secret is there: %s", name, hit)
		}
	}
	for place, text := range map[string]string{
		"the log": `"level":"ERROR"`, "the spans": "POST /api/v1/configs", "the metrics": `hotswap_secrets_opened_total{result="opened"}`,
		"the answers": "********", "Redis": "hs:set:acme:", "what Redis is told": `"hs:set:acme:`,
		"table sealed_values": "db.password", "table change_items": "sealed:", "table audit_entries": "********",
	} {
		if !bytes.Contains(places[place], []byte(text)) {
			t.Errorf("%s: %s is not there", place, text)
		}
	}
	for _, place := range []string{"the answers", "table config_versions", "table change_items", "table audit_entries", "the files of the database"} {
		if w.open.found(places[place]) == nil {
			t.Errorf("%s: what is no secret is not found either", place)
		}
	}
	t.Logf("%d secrets, %d answers looked at, %d in clear, %d bytes in %d places", len(w.secret.made), w.looked, w.inClear, size(places), len(places))
}

func size(places map[string][]byte) (n int) {
	for _, all := range places {
		n += len(all)
	}
	return n
}
