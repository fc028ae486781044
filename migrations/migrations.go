// Package migrations holds the numbered SQL that owns the schema. A migration only ever adds.
package migrations

import "embed"

// FS holds the goose migrations, in order of their numbers.
//
//go:embed *.sql
var FS embed.FS
