package models

import "time"

// Code names a kind of failure a caller can act on. Each has one HTTP status, mapped in web.
type Code string

// The codes of the API contract.
const (
	CodeMalformed            Code = "malformed"              // 400: not the format it claims to be
	CodeUnauthenticated      Code = "unauthenticated"        // 401
	CodeForbidden            Code = "forbidden"              // 403
	CodeNotFound             Code = "not_found"              // 404: unknown, or another tenant's
	CodeMethodNotAllowed     Code = "method_not_allowed"     // 405
	CodeTimeout              Code = "timeout"                // 408
	CodeConflict             Code = "conflict"               // 409
	CodePreconditionFailed   Code = "precondition_failed"    // 412
	CodeTooLarge             Code = "too_large"              // 413
	CodeUnsupportedMediaType Code = "unsupported_media_type" // 415
	CodeInvalid              Code = "invalid"                // 422
	CodeFrozen               Code = "frozen"                 // 423
	CodeRateLimited          Code = "rate_limited"           // 429
	CodeInternal             Code = "internal"               // 500
	CodeUnavailable          Code = "unavailable"            // 503
)

// Error is the one error type whose text a caller may see. Anything else is internal.
type Error struct {
	Code       Code
	Message    string
	Fields     []FieldError  // what is wrong where, for CodeInvalid, CodeMalformed and CodeConflict
	RetryAfter time.Duration // when trying again makes sense; zero leaves it open
	Allowance  *Allowance    // of who was too quick, for CodeRateLimited; nil: not told
}

// Allowance is how often a caller may do something, and how much of that is left.
type Allowance struct {
	Limit     int           // 0: there is none
	Remaining int           // at once
	Reset     time.Duration // until all of it is there again
}

// FieldError points at one member of the input (RFC 6901) and says what is wrong with it.
type FieldError struct {
	Pointer string `json:"pointer"`
	Message string `json:"message"`
}

// Error is the sentence the caller reads.
func (e *Error) Error() string { return e.Message }

// Malformed says that the input is not the format it claims to be.
func Malformed(message string) *Error { return &Error{Code: CodeMalformed, Message: message} }

// Unauthenticated says that nobody stands behind the call. It never says why.
func Unauthenticated() *Error {
	return &Error{Code: CodeUnauthenticated, Message: "a valid credential is required"}
}

// Forbidden says that the actor may see the thing but not do this to it.
func Forbidden(message string) *Error { return &Error{Code: CodeForbidden, Message: message} }

// NotFound says that there is no such thing within the actor's scope. The sentence never names an id:
// another tenant's thing and an unknown one must answer with the same bytes.
func NotFound(what string) *Error {
	return &Error{Code: CodeNotFound, Message: what + " not found"}
}

// Conflict says that the thing is no longer as the caller believes.
func Conflict(message string) *Error { return &Error{Code: CodeConflict, Message: message} }

// ConflictFields says which members of the input are no longer as the caller believes, or nil when all are.
func ConflictFields(fields []FieldError) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Code: CodeConflict, Message: fields[0].Message, Fields: fields}
}

// PreconditionFailed says that If-Match names another state of the thing.
func PreconditionFailed() *Error {
	return &Error{Code: CodePreconditionFailed, Message: "it was changed since you read it"}
}

// Invalid says that one member of the input breaks a rule; pointer is an RFC 6901 JSON pointer.
func Invalid(pointer, message string) *Error {
	return &Error{
		Code: CodeInvalid, Message: "the request breaks a rule: " + message,
		Fields: []FieldError{{Pointer: pointer, Message: message}},
	}
}

// InvalidFields gathers several broken rules in one error, or nil when there is none.
func InvalidFields(fields []FieldError) error {
	switch len(fields) {
	case 0:
		return nil
	case 1:
		return Invalid(fields[0].Pointer, fields[0].Message)
	default:
		return &Error{Code: CodeInvalid, Message: "the request breaks several rules", Fields: fields}
	}
}

// Unavailable says that the caller should come back after the given time.
func Unavailable(message string, after time.Duration) *Error {
	return &Error{Code: CodeUnavailable, Message: message, RetryAfter: after}
}
