package access

import (
	"database/sql"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// each calls scan for every row of the statement.
func each(tx *gorm.DB, scan func(*sql.Rows) error, statement string, args ...any) error {
	rows, err := tx.Raw(statement, args...).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// row is what one row can be read from.
type row interface{ Scan(...any) error }

const personColumns = `id, issuer, coalesce(subject, ''), email, email_verified, name, groups, groups_at,
	disabled_at, last_login_at, created_at`

func scanPerson(r row) (p models.Person, err error) {
	var groups texts[string]
	err = r.Scan(&p.ID, &p.Issuer, &p.Subject, &p.Email, &p.EmailVerified, &p.Name, &groups, &p.GroupsAt,
		&p.DisabledAt, &p.LastLoginAt, &p.CreatedAt)
	p.Groups = groups
	return p, err
}

const bindingColumns = `tenant_id, id, role, environment, subject_kind, subject, created_by, created_at`

func scanBinding(r row) (b models.Binding, err error) {
	var by string
	err = r.Scan(&b.TenantID, &b.ID, &b.Role, &b.Environment, &b.SubjectKind, &b.Subject, &by, &b.CreatedAt)
	b.CreatedBy = models.ParseActorRef(by)
	return b, err
}

const keyColumns = `tenant_id, id, name, role, environment, coalesce(person_id::text, ''), responsible, grants, denies,
	secret_hash, created_by, created_at, expires_at, revoked_at`

func scanKey(r row) (k models.APIKey, err error) {
	var by string
	var responsible texts[string]
	var grants, denies texts[models.Permission]
	err = r.Scan(&k.TenantID, &k.ID, &k.Name, &k.Role, &k.Environment, &k.PersonID, &responsible, &grants, &denies,
		&k.SecretHash, &by, &k.CreatedAt, &k.ExpiresAt, &k.RevokedAt)
	k.Responsible, k.Grants, k.Denies = responsible, grants, denies
	k.CreatedBy = models.ParseActorRef(by)
	return k, err
}
