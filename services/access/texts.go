package access

import (
	"database/sql/driver"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"
)

// texts is a column of type text[] or uuid[], which database/sql does not know.
type texts[T ~string] []T

// Value hands the list to pgx, which encodes it itself; nil would be NULL.
func (t texts[T]) Value() (driver.Value, error) {
	out := make([]string, len(t))
	for i, text := range t {
		out[i] = string(text)
	}
	return out, nil
}

// Scan reads the text form of an array.
func (t *texts[T]) Scan(src any) error {
	var out []string
	if err := pgtype.NewMap().SQLScanner(&out).Scan(src); err != nil {
		return fmt.Errorf("read a list: %w", err)
	}
	*t = nil
	for _, text := range out {
		*t = append(*t, T(text))
	}
	return nil
}
