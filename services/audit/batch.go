package audit

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// saltSize is the length in bytes of the key of a subject's commitment.
const saltSize = 32

// batch is what one statement adds to one tenant's log.
type batch struct {
	tenantID string
	at       time.Time
	subjects []subject
	entries  []entry
}

// subject is a row of audit_subjects as the statement reads it.
type subject struct {
	Ref     string           `json:"ref"`
	Kind    models.ActorKind `json:"kind"`
	ActorID string           `json:"actor_id"`
	Name    string           `json:"name"`
	Address string           `json:"address"`
	Salt    string           `json:"salt"` // hex
}

// entry is a row of audit_entries as the statement reads it; the number is given by the database.
type entry struct {
	Place      int     `json:"place"` // within the batch, from 0
	ID         string  `json:"id"`
	Subject    string  `json:"subject"`
	Commitment string  `json:"commitment"`
	Action     string  `json:"action"`
	Resource   string  `json:"resource"`
	Before     *string `json:"before"`
	After      *string `json:"after"`
	RequestID  string  `json:"request_id"`
	Leaf       string  `json:"leaf"` // hex
}

// mark is what an entry says about its subject.
type mark struct{ ref, commitment string }

func newBatch(tenantID string, at time.Time) *batch {
	return &batch{tenantID: tenantID, at: at.UTC().Truncate(time.Microsecond)} // as the database keeps it
}

// subject adds who stands behind entries that follow.
func (b *batch) subject(actor models.ActorRef, address string) (mark, error) {
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return mark{}, fmt.Errorf("salt of an audit subject: %w", err)
	}
	commitment, err := models.Commit(actor, address, salt)
	if err != nil {
		return mark{}, fmt.Errorf("commit to an audit subject: %w", err)
	}
	m := mark{ref: uuid.NewString(), commitment: commitment}
	b.subjects = append(b.subjects, subject{
		Ref: m.ref, Kind: actor.Kind, ActorID: actor.ID, Name: actor.Name,
		Address: address, Salt: hex.EncodeToString(salt),
	})
	return m, nil
}

// entry adds one act of a subject of this batch.
func (b *batch) entry(who mark, act models.Act, requestID string) error {
	e := models.Entry{
		TenantID: b.tenantID, ID: uuid.NewString(), At: b.at, SubjectRef: who.ref, Commitment: who.commitment,
		Action: act.Action, Resource: act.Resource, Before: act.Before, After: act.After, RequestID: requestID,
	}
	leaf, err := e.Leaf()
	if err != nil {
		return fmt.Errorf("leaf of %s: %w", act.Action, err)
	}
	b.entries = append(b.entries, entry{
		Place: len(b.entries), ID: e.ID, Subject: e.SubjectRef, Commitment: e.Commitment,
		Action: e.Action, Resource: e.Resource, Before: text(e.Before), After: text(e.After),
		RequestID: requestID, Leaf: hex.EncodeToString(leaf),
	})
	return nil
}

// text is the value as a column keeps it: NULL for none.
func text(v models.Value) *string {
	if v == "" {
		return nil
	}
	s := string(v)
	return &s
}

// insertSQL takes the tenant's next numbers and the entries that get them in one statement. The update of the
// head is the lock that keeps numbers without gap: the next writer waits for this transaction's end.
const insertSQL = `
WITH head AS (
	UPDATE audit_heads SET size = size + @n WHERE tenant_id = @tenant RETURNING tenant_id, size
), who AS (
	INSERT INTO audit_subjects (tenant_id, ref, kind, actor_id, name, address, salt)
	SELECT head.tenant_id, s.ref, s.kind, s.actor_id, s.name, s.address, decode(s.salt, 'hex')
	FROM head, json_to_recordset(CAST(@subjects AS json))
		AS s (ref uuid, kind text, actor_id text, name text, address text, salt text)
)
INSERT INTO audit_entries (tenant_id, number, id, at, subject, commitment, action, resource, before, after, request_id, leaf_hash)
SELECT head.tenant_id, head.size - @n + e.place, e.id, @at, e.subject, e.commitment, e.action, e.resource,
	e.before, e.after, e.request_id, decode(e.leaf, 'hex')
FROM head, json_to_recordset(CAST(@entries AS json))
	AS e (place bigint, id uuid, subject uuid, commitment text, action text, resource text,
	      before text, after text, request_id text, leaf text)`

// args are what insertSQL takes.
func (b *batch) args() (map[string]any, error) {
	subjects, err := json.Marshal(b.subjects)
	if err != nil {
		return nil, fmt.Errorf("encode audit subjects: %w", err)
	}
	entries, err := json.Marshal(b.entries)
	if err != nil {
		return nil, fmt.Errorf("encode audit entries: %w", err)
	}
	return map[string]any{
		"n": int64(len(b.entries)), "tenant": b.tenantID, "at": b.at, "subjects": string(subjects), "entries": string(entries),
	}, nil
}

// write adds the batch. A tenant whose log is not begun gets its head first.
func (b *batch) write(tx *gorm.DB) error {
	args, err := b.args()
	if err != nil {
		return err
	}
	insert := func() (int64, error) {
		r := tx.Exec(insertSQL, args)
		return r.RowsAffected, r.Error
	}
	written, err := insert()
	if err == nil && written == 0 {
		if err := begin(tx, b.tenantID); err != nil {
			return err
		}
		written, err = insert()
	}
	switch {
	case err != nil:
		return fmt.Errorf("write the audit log: %w", err)
	case written != int64(len(b.entries)):
		return fmt.Errorf("write the audit log: %d of %d entries", written, len(b.entries))
	default:
		return nil
	}
}

// begin makes the head of a tenant's log.
func begin(tx *gorm.DB, tenantID string) error {
	err := tx.Exec(`INSERT INTO audit_heads (tenant_id) VALUES (?) ON CONFLICT (tenant_id) DO NOTHING`, tenantID).Error
	if err != nil {
		return fmt.Errorf("begin the audit log: %w", err)
	}
	return nil
}
