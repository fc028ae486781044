package models

// Refusal is a call that was turned away, as the audit log keeps it. Who tried and from where is in the context.
type Refusal struct {
	Action   string // the operation's id ("change.approve"), or the method where it has none
	Resource string // noun/id as the path names it ("change/<uuid>"); the noun alone where it names no id
	Code     Code
	Detail   string // the sentence the caller was given
	Route    string // method and pattern: "POST /api/v1/approvals/{changeId}/approve"
}
