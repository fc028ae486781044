package main

import (
	"fmt"

	"github.com/hotswap/hotswap/services/store"
)

// owner is how commands that need the database's owner are told about it.
type owner struct {
	URL string `name:"database-url" env:"HOTSWAP_OWNER_DATABASE_URL" required:"" help:"The database as its owner (postgres://…)." placeholder:"URL"`
}

func (o owner) check() error {
	if err := checkDatabaseURL("--database-url", o.URL); err != nil {
		return usageError{err}
	}
	return nil
}

type migrateCommand struct{ owner }

// Run brings the schema up to date.
func (c migrateCommand) Run(s surroundings) error {
	if err := c.check(); err != nil {
		return err
	}
	if err := store.Migrate(s, c.URL); err != nil {
		return err
	}
	_, err := fmt.Fprintln(s.out, "The database is up to date.")
	return err
}
