package main

import (
	"fmt"

	"github.com/hotswap/hotswap/models"
)

type adminCommand struct {
	Add addAdminCommand `cmd:"" help:"Make somebody platform-admin, also before their first sign-in."`
}

type addAdminCommand struct {
	owner
	Issuer string `required:"" help:"The OIDC issuer that vouches for them." placeholder:"URL"`
	Email  string `required:"" help:"Their verified e-mail address."`
}

// Run makes the person and the binding, audited.
func (c addAdminCommand) Run(s surroundings) error {
	desk, err := openDesk(s, c.owner)
	if err != nil {
		return err
	}
	defer desk.close()
	person, err := desk.access.AddAdmin(s, c.Issuer, c.Email)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s is platform-admin (person %s).\n", person.Email, person.ID)
	return err
}

type keysCommand struct {
	Create createKeyCommand `cmd:"" help:"Make a service's API key; it is printed once."`
	List   listKeysCommand  `cmd:"" help:"List the keys."`
	Revoke revokeKeyCommand `cmd:"" help:"Revoke a key."`
}

type createKeyCommand struct {
	owner
	Name        string      `required:"" help:"What the key is for."`
	Role        models.Role `required:"" help:"Its role, such as reader."`
	Tenant      string      `help:"The only tenant it opens; all if left out."`
	Environment string      `help:"The only environment it opens; all if left out."`
}

// Run prints the key.
func (c createKeyCommand) Run(s surroundings) error {
	desk, err := openDesk(s, c.owner)
	if err != nil {
		return err
	}
	defer desk.close()
	_, key, err := desk.access.CreateKey(desk.operator(s), desk.keyInput(c))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, key)
	return err
}

type listKeysCommand struct{ owner }

// Run prints a line for each key: id, role, tenant, environment, name.
func (c listKeysCommand) Run(s surroundings) error {
	desk, err := openDesk(s, c.owner)
	if err != nil {
		return err
	}
	defer desk.close()
	return desk.eachKey(s, func(k models.APIKey) error {
		_, err := fmt.Fprintf(s.out, "%s\t%s\t%s\t%s\t%s\n", k.ID, k.Role, k.TenantID, orAll(k.Environment), k.Name)
		return err
	})
}

func orAll(s string) string {
	if s == "" {
		return "*"
	}
	return s
}

type revokeKeyCommand struct {
	owner
	ID string `arg:"" help:"The key's id, the part between the underscores."`
}

// Run revokes the key at once.
func (c revokeKeyCommand) Run(s surroundings) error {
	desk, err := openDesk(s, c.owner)
	if err != nil {
		return err
	}
	defer desk.close()
	if err := desk.access.RevokeKey(desk.operator(s), c.ID); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, "Revoked.")
	return err
}
