package web

import "github.com/hotswap/hotswap/views"

// Instead is an error that people read on a page of its own: the form that was refused, or the thing as it is now. It
// is answered with the error's status and reported like any other.
type Instead struct {
	Err  error
	Page views.Page
}

// Error is the sentence of what went wrong.
func (i *Instead) Error() string { return i.Err.Error() }

// Unwrap is what went wrong.
func (i *Instead) Unwrap() error { return i.Err }
