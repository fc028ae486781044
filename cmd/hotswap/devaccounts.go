package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hotswap/hotswap/cmd/hotswap/demo"
	"github.com/hotswap/hotswap/cmd/hotswap/devstack"
	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
)

// devAccount is somebody who can sign in at the development identity provider.
type devAccount struct {
	login string // the part of the e-mail before the @, and the name of the personal key
	name  string
	role  models.Role
}

// tenantAdmin is bound to the first demo tenant, so it has no key and no role without demo data.
const tenantAdmin = "tenant-admin"

// devAccounts has one account for each role, and second ones where a second person is needed.
func devAccounts() []devAccount {
	return []devAccount{
		{"engineer", "Erin Engineer", models.RoleEngineer},
		{"engineer2", "Emil Engineer", models.RoleEngineer},
		{"manager", "Mona Manager", models.RoleManager},
		{"compliance", "Cleo Compliance", models.RoleCompliance},
		{"auditor", "Ada Auditor", models.RoleAuditor},
		{"viewer", "Vito Viewer", models.RoleViewer},
		{tenantAdmin, "Tara Tenant-Admin", models.RoleTenantAdmin},
		{"admin", "Alex Admin", models.RolePlatformAdmin},
		{"admin2", "Anna Admin", models.RolePlatformAdmin},
	}
}

func (a devAccount) email() string { return a.login + "@example.com" }

func (a devAccount) account(issuer string) access.Account {
	return access.Account{Issuer: issuer, Subject: "dev-" + a.login, Email: a.email(), Name: a.name, Role: a.role}
}

// identities are the accounts as the identity provider knows them.
func identities() []devstack.Account {
	var out []devstack.Account
	for _, a := range devAccounts() {
		out = append(out, devstack.Account{Subject: "dev-" + a.login, Email: a.email(), Name: a.name})
	}
	return out
}

// devKeys are API keys by the name of their account; "app" is an application's.
type devKeys map[string]string

const appKey = "app"

// loadDevKeys reads the keys made at the first start, so that scripts keep working.
func loadDevKeys(path string) (devKeys, error) {
	keys := devKeys{}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read development keys: %w", err)
	}
	if err == nil {
		if err := json.Unmarshal(text, &keys); err != nil {
			return nil, fmt.Errorf("read development keys: %w", err)
		}
	}
	names := []string{appKey}
	for _, a := range devAccounts() {
		if a.login != tenantAdmin {
			names = append(names, a.login)
		}
	}
	for _, name := range names {
		if keys[name] == "" {
			_, keys[name] = access.NewKey()
		}
	}
	if text, err = json.Marshal(keys); err != nil {
		return nil, fmt.Errorf("write development keys: %w", err)
	}
	return keys, writeWhole(path, text)
}

// ensureAccounts makes the people, their roles and their keys unless they are there.
func ensureAccounts(ctx context.Context, s *access.Service, issuer string, keys devKeys) error {
	for _, a := range devAccounts() {
		if a.login == tenantAdmin {
			continue
		}
		person, err := s.EnsureAccount(ctx, a.account(issuer))
		if err != nil {
			return err
		}
		personal := models.APIKey{Name: a.login + " (development)", Role: a.role, PersonID: person.ID}
		if _, err := s.EnsureKey(ctx, personal, keys[a.login]); err != nil {
			return err
		}
	}
	_, err := s.EnsureKey(ctx, models.APIKey{Name: "demo application", Role: models.RoleReader}, keys[appKey])
	return err
}

// ensureTenantAdmin makes the account that administers only the first demo tenant.
func ensureTenantAdmin(ctx context.Context, s *access.Service, issuer string) error {
	for _, a := range devAccounts() {
		if a.login != tenantAdmin {
			continue
		}
		account := a.account(issuer)
		account.TenantID = demo.FirstTenant
		if _, err := s.EnsureAccount(ctx, account); err != nil {
			return err
		}
	}
	return nil
}

// announce tells a person where everything is.
func (d devJSON) announce(w io.Writer, path string, empty bool) error {
	tenant, note := demo.FirstTenant, ""
	if empty {
		tenant, note = "acme-corp", "   (no demo data: make the tenant first, see docs/walkthrough.md)"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nHotSwap is running at %s\n\n", d.URL)
	fmt.Fprintf(&b, "Open %s and sign in as engineer@example.com\n\n", d.URL)
	fmt.Fprintf(&b, "Or read as an application does:%s\n  curl -s -H 'Authorization: Bearer %s' '%s/api/v1/configs/tenant/%s?environment=Production'\n\n",
		note, d.APIKeys[appKey], d.URL, tenant)
	fmt.Fprintf(&b, "  identity provider  %s\n  metrics            %s\n  keys and URLs      %s\n\n", d.Issuer, d.MetricsURL, path)
	b.WriteString("Ctrl-C stops everything and keeps the data.\n")
	_, err := io.WriteString(w, b.String())
	return err
}
