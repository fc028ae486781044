// Package wire holds the JSON shapes that several parts of the transport share.
package wire

import (
	"github.com/hotswap/hotswap/models"
)

// ProblemType is the media type of every error answer (RFC 9457).
const ProblemType = "application/problem+json"

// Problem is the body of every error answer of the API (RFC 9457).
type Problem struct { //nolint:errname // RFC 9457 calls it a problem, and huma needs it to be an error
	Type      string              `json:"type" doc:"urn:hotswap:problem:<code>"`
	Title     string              `json:"title" doc:"The same sentence for all problems of a code"`
	Status    int                 `json:"status" doc:"The HTTP status"`
	Detail    string              `json:"detail" doc:"What went wrong this time"`
	Code      models.Code         `json:"code" doc:"What programs should look at"`
	Errors    []models.FieldError `json:"errors" doc:"What is wrong where; empty when nothing can be pointed at"`
	RequestID string              `json:"requestId" doc:"Names the call in the log and in the audit trail"`
}

// Error is the sentence the caller reads.
func (p *Problem) Error() string { return p.Detail }

// GetStatus tells huma which status to send.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType tells huma that errors have a media type of their own.
func (p *Problem) ContentType(string) string { return ProblemType }
