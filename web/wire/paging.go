package wire

import "github.com/hotswap/hotswap/models"

// Paging is the part of a list's input that asks for a page; embed it in the input struct.
type Paging struct {
	Limit  string `query:"limit" doc:"How many items at most: 1 to 200, 50 if it is not given"`
	Cursor string `query:"cursor" doc:"The nextCursor of the page before"`
}

// Page checks the limit; the list checks the cursor.
func (p Paging) Page() (models.Page, error) { return models.ParsePage(p.Limit, p.Cursor) }
