package views

import (
	"cmp"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/hotswap/hotswap/models"
)

// AuditEntry is one entry in words: "<actor> <did> <what> <more>".
type AuditEntry struct {
	models.Entry

	Did   string // "set"
	What  string // "feature.checkout"; empty when Did says all
	Code  bool   // What is a name of the machine's
	Link  string // the page of What; empty when there is none
	More  string // "in Production"
	Quote string // what somebody wrote, or was told
}

type auditVerb struct{ name, did string }

type auditNoun struct {
	name, label string
	verbs       []auditVerb
}

// auditNouns are the actions in words, in the order of the filter.
var auditNouns = []auditNoun{
	{"change", "Changes", []auditVerb{
		{"create", "began the change"},
		{"submit", "submitted the change"},
		{"edit", "edited the change"},
		{"rebase", "rebased the change"},
		{"approve", "approved the change"},
		{"reject", "rejected the change"},
		{"strike", "struck a decision on the change"},
		{"cancel", "cancelled the change"},
		{"expire", "let the change expire"},
		{"rollback", "rolled back the change"},
	}},
	{"config", "Values", []auditVerb{{"set", "set"}, {"delete", "deleted"}, {"lock", "locked"}, {"unlock", "unlocked"}}},
	{"secret", "Secrets", []auditVerb{
		{"reveal", "revealed"},
		{"uncover", "made readable the secret"},
		{"rotate", "rotated the data key of"},
		{"rewrap", "wrapped anew the data key of"},
		{"shred", "destroyed the secrets of"},
	}},
	{"deployment", "Deployments", []auditVerb{{"step", "took the deployment"}, {"abort", "ended the deployment"}}},
	{"definition", "Definitions", []auditVerb{{"create", "defined"}, {"update", "changed the definition of"}}},
	{"tenant", "Tenants", []auditVerb{
		{"create", "created the tenant"},
		{"update", "changed the tenant"},
		{"retier", "moved to another tier the tenant"},
		{"suspend", "suspended the tenant"},
		{"activate", "made active again the tenant"},
		{"delete", "deleted the tenant"},
		{"purge", "purged the tenant"},
	}},
	{"tier", "Tiers", []auditVerb{{"create", "created the tier"}}},
	{"environment", "Environments", []auditVerb{{"create", "created the environment"}}},
	{"policy", "Policies", []auditVerb{{"update", "changed the policy of"}}},
	{"role_binding", "Roles", []auditVerb{{"create", "gave the role"}, {"delete", "took back the role"}}},
	{"api_key", "API keys", []auditVerb{{"create", "created the API key"}, {"revoke", "revoked the API key"}}},
	{"session", "Sessions", []auditVerb{{"login", "signed in"}, {"logout", "signed out"}, {"revoke", "ended a session"}}},
	{"access", "Refusals", []auditVerb{{"denied", "was refused"}, {"unauthenticated", "turned away callers without a valid credential"}}},
}

// auditDid is an action in words; false for one that has none.
func auditDid(action string) (string, bool) {
	noun, verb, _ := strings.Cut(action, ".")
	for _, n := range auditNouns {
		for _, v := range n.verbs {
			if n.name == noun && v.name == verb {
				return v.did, true
			}
		}
	}
	return "", false
}

// NewAuditEntry puts an entry into words. name tells the name of an actor.
func NewAuditEntry(e models.Entry, name func(models.ActorRef) models.ActorRef) AuditEntry {
	out := AuditEntry{Entry: e}
	did, known := auditDid(e.Action)
	if !known {
		out.Did, out.What, out.Code = e.Action, e.Resource, true
		return out
	}
	out.Did = did
	noun, id, _ := strings.Cut(e.Resource, "/")
	f := auditFactsOf(e)
	switch action, _, _ := strings.Cut(e.Action, "."); action {
	case "access":
		out.refused(f)
	case "role_binding":
		out.binding(f, name)
	case "session":
		out.session(f, name)
	case "secret":
		out.secret(noun, id, f)
	default:
		out.about(noun, id, f)
	}
	return out
}

// about says what the entry is about, and where that is shown.
func (e *AuditEntry) about(noun, id string, f auditFacts) {
	switch noun {
	case "change":
		e.What, e.Link, e.Quote = cmp.Or(f.text("title"), auditShortID(id)), auditChangeLink(id), f.text("comment")
		e.More = joinTexts(" ", ledBy("for ", f.text("environment")), ledBy("at the stage ", f.text("stage")))
	case "config":
		e.What, e.Code, e.Link = cmp.Or(f.text("key"), auditShortID(id)), true, auditKeyLink(e.TenantID, f.text("key"))
		e.More = ledBy("in ", f.text("environment"))
	case "definition":
		e.What, e.Code, e.Link = id, true, auditKeyLink(e.TenantID, id)
	case "tenant":
		e.What, e.Link = cmp.Or(f.text("name"), id), TenantURL(id)
	case "tier":
		e.What, e.Link = cmp.Or(f.text("name"), id), TenantURL(models.TierLayer(id))
	case "deployment":
		e.What, e.Link = auditShortID(id), auditChangeLink(f.text("changeId"))
		e.More = joinTexts(", ", ledBy("to ", percentText(f.text("percent"))), strings.ReplaceAll(f.text("status"), "_", " "))
	case "api_key":
		e.What, e.Link = cmp.Or(f.text("name"), id), "/access/keys"
		e.More = joinTexts(", ", ledBy("with the role ", f.text("role")), accessPlace(f.text("tenantId"), f.text("environment")))
	default:
		e.What = id
	}
}

// binding tells who got or lost which role where.
func (e *AuditEntry) binding(f auditFacts, name func(models.ActorRef) models.ActorRef) {
	e.What, e.Link = f.text("role"), "/access/roles"
	whom := cmp.Or(f.text("subject"), "somebody")
	switch f.text("subjectKind") {
	case models.SubjectPerson:
		whom = cmp.Or(name(models.ActorRef{ID: whom, Kind: models.ActorPerson}).Name, whom)
	case models.SubjectKey:
		whom = "the key " + cmp.Or(name(models.ActorRef{ID: whom, Kind: models.ActorService}).Name, whom)
	case models.SubjectGroup:
		whom = "the group " + whom
	}
	word := "to "
	if e.Before != "" {
		word = "from "
	}
	e.More = joinTexts(", ", word+whom, accessPlace(f.text("tenantId"), f.text("environment")))
}

// secret is about a value, or, where the reveals of an hour were counted, about who got how many.
func (e *AuditEntry) secret(noun, id string, f auditFacts) {
	if count := f.text("count"); count != "" {
		e.What, e.More = "secrets", count+" times in an hour"
		return
	}
	e.about(noun, id, f)
}

// session names whose session it was, unless the actor ended the own one.
func (e *AuditEntry) session(f auditFacts, name func(models.ActorRef) models.ActorRef) {
	if whose := f.text("personId"); whose != "" && whose != e.Actor.ID {
		e.More = "of " + cmp.Or(name(models.ActorRef{ID: whose, Kind: models.ActorPerson}).Name, whose)
	}
}

// refused tells what was tried, or how often.
func (e *AuditEntry) refused(f auditFacts) {
	e.Quote = f.text("detail")
	e.What, e.Code = f.text("action"), true
	switch count := f.text("count"); {
	case count == "1":
		e.More = "once"
	case count != "":
		e.More = count + " times"
	case e.Resource != "":
		e.More = "on " + e.Resource
	}
}

// auditFacts are the members of the value that an entry tells about.
type auditFacts map[string]json.RawMessage

func auditFactsOf(e models.Entry) auditFacts {
	var f auditFacts
	text := e.After
	if text == "" {
		text = e.Before
	}
	if json.Unmarshal(text.Raw(), &f) != nil {
		return nil
	}
	return f
}

// text is a member as people read it; a number stays as it is written, and what is neither is empty.
func (f auditFacts) text(name string) string {
	raw := f[name]
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var number json.Number
	if json.Unmarshal(raw, &number) == nil {
		return number.String()
	}
	return ""
}

// ledBy is a text behind its word, or nothing at all.
func ledBy(word, text string) string {
	if text == "" {
		return ""
	}
	return word + text
}

func joinTexts(between string, texts ...string) string {
	var out []string
	for _, t := range texts {
		if t != "" {
			out = append(out, t)
		}
	}
	return strings.Join(out, between)
}

func percentText(number string) string {
	if number == "" {
		return ""
	}
	return number + " %"
}

// auditShortID is enough of an id to tell it from others by eye.
func auditShortID(id string) string {
	part, _, _ := strings.Cut(id, "-")
	return part
}

func auditChangeLink(id string) string {
	if id == "" {
		return ""
	}
	return "/changes/" + url.PathEscape(id)
}

func auditKeyLink(tenantID, key string) string {
	if key == "" {
		return ""
	}
	return TenantURL(tenantID) + "/keys/" + url.PathEscape(key)
}
