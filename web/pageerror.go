package web

import "github.com/hotswap/hotswap/views"

// PageError is an error that people read on a page of its own: the form that was refused, or the thing as it is now. It
// is answered with the error's status and reported like any other.
type PageError struct {
	Err  error
	Page views.Page
}

// Error is the sentence of what went wrong.
func (e *PageError) Error() string { return e.Err.Error() }

// Unwrap is what went wrong.
func (e *PageError) Unwrap() error { return e.Err }
