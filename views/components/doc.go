// Package components holds the parts that pages share.
package components
