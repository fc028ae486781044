-- What the console's lists are read by: tenants by name and by their last edit, changes by author and the open ones,
-- decisions by who made them, and all of one change, voided ones too.

-- +goose Up

-- Below row-level security an index answers comparisons of columns, not of lower(name): that function may leak.
ALTER TABLE tenants ADD COLUMN name_key text COLLATE "C" GENERATED ALWAYS AS (lower(name)) STORED;
CREATE INDEX tenants_name ON tenants (name_key, tenant_id);
CREATE INDEX tenants_updated ON tenants (updated_at DESC, tenant_id DESC);

CREATE INDEX changes_author ON changes (author, created_at DESC, id DESC);
CREATE INDEX changes_open ON changes (created_at DESC, id DESC)
    WHERE status IN ('draft', 'pending', 'approved', 'scheduled', 'deploying');

CREATE INDEX decisions_change ON decisions (tenant_id, change_id);
CREATE INDEX decisions_at ON decisions (person_id, at DESC, change_id DESC);
