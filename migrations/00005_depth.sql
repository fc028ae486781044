-- Definitions in depth, locks, secrets sealed at rest, changes of tenants, and calls that may be repeated.

-- +goose Up

-- ---- definitions ----------------------------------------------------------------------------------

ALTER TABLE definitions
    ADD COLUMN merge      text NOT NULL DEFAULT 'replace' CHECK (merge IN ('replace', 'deep')),
    ADD COLUMN owner      text NOT NULL DEFAULT '',  -- a team or person, as people write it
    ADD COLUMN tags       text NOT NULL DEFAULT '',  -- sorted, each once, divided by commas
    ADD COLUMN expires_at timestamptz;               -- from when on a temporary key is overdue; null for a lasting one
ALTER TABLE definition_versions
    ADD COLUMN merge      text NOT NULL DEFAULT 'replace',
    ADD COLUMN owner      text NOT NULL DEFAULT '',
    ADD COLUMN tags       text NOT NULL DEFAULT '',
    ADD COLUMN expires_at timestamptz;
CREATE INDEX definitions_expires ON definitions (expires_at) WHERE expires_at IS NOT NULL;

-- ---- locks ----------------------------------------------------------------------------------------

ALTER TABLE configs ADD COLUMN locked boolean NOT NULL DEFAULT false;         -- of the live version
ALTER TABLE config_versions ADD COLUMN locked boolean NOT NULL DEFAULT false; -- a lock is part of its version

-- ---- changes --------------------------------------------------------------------------------------

ALTER TABLE changes ADD COLUMN rolls_back uuid; -- the change whose replaced versions this one writes anew, without stages
CREATE INDEX changes_rolls_back ON changes (tenant_id, rolls_back) WHERE rolls_back IS NOT NULL;

ALTER TABLE change_items
    DROP CONSTRAINT change_items_op_check,
    ADD CONSTRAINT change_items_op_check CHECK (op IN ('set', 'delete', 'lock', 'unlock', 'define', 'retier', 'suspend')),
    ADD COLUMN locked boolean; -- of set: lock or unlock with the value; null keeps the lock as it is

-- ---- secrets --------------------------------------------------------------------------------------

-- The data key of each tenant and layer, wrapped by the master key. A row without keysets is a shredded key: what was
-- sealed under it can never be opened again, and no other key is made for that tenant.
CREATE TABLE tenant_keys (
    tenant_id    text PRIMARY KEY REFERENCES tenants,
    master       text NOT NULL,       -- which master key wraps it
    keyset       bytea,               -- Tink AEAD keyset, sealed by the master key; null when shredded
    commitment   bytea,               -- key of commitments, sealed by the master key; stays over rotations
    version      bigint NOT NULL DEFAULT 1, -- counts every write of this row
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    rotated_at   timestamptz,
    destroyed_at timestamptz,
    CHECK ((destroyed_at IS NULL) = (keyset IS NOT NULL) AND (destroyed_at IS NULL) = (commitment IS NOT NULL))
);

-- Sensitive values. Versions and items hold "sealed:<id>:<commitment>" in place of the value.
CREATE TABLE sealed_values (
    tenant_id  text NOT NULL REFERENCES tenants,
    id         uuid NOT NULL,         -- random, made with the item that brought the value
    key        text NOT NULL,
    ciphertext bytea NOT NULL,        -- associated data: tenant, key, id
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, id)
);

-- A version's value stays what it is. Only its form changes, when its key becomes a secret or is none any more.
-- +goose StatementBegin
CREATE FUNCTION version_stays() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    IF (OLD.value LIKE 'sealed:%') = (NEW.value LIKE 'sealed:%') THEN
        RAISE EXCEPTION 'the value of a version never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER version_stays BEFORE UPDATE OF value ON config_versions
    FOR EACH ROW WHEN (OLD.value IS DISTINCT FROM NEW.value) EXECUTE FUNCTION version_stays();

-- ---- tenants --------------------------------------------------------------------------------------

ALTER TABLE tenants ADD COLUMN deleted_at timestamptz, ADD COLUMN purged_at timestamptz;

-- ---- repeated calls -------------------------------------------------------------------------------

CREATE TABLE idempotency_keys (
    credential text NOT NULL,         -- kind:id of the actor, and the id of the API key
    method     text NOT NULL,
    path       text NOT NULL,
    key        text NOT NULL,
    digest     bytea NOT NULL,        -- SHA-256 of the query and body
    resource   text NOT NULL DEFAULT '', -- noun/id of what the call made or moved
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (credential, method, path, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- ---- row-level security -----------------------------------------------------------------------------

-- +goose StatementBegin
DO $$
DECLARE
    t text;
    mine constant text := '((SELECT scope_all()) OR tenant_id = ANY ((SELECT scope_tenants())::text[]))';
BEGIN
    FOREACH t IN ARRAY ARRAY ['tenant_keys', 'sealed_values'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own ON %I USING %s WITH CHECK %s', t, mine, mine);
        -- The system actor secrets makes keys and seals anew when they rotate.
        EXECUTE format('CREATE POLICY secrets_all ON %I USING ((SELECT scope_system()) = ''secrets'') WITH CHECK ((SELECT scope_system()) = ''secrets'')', t);
    END LOOP;
    CREATE POLICY scan_reads ON sealed_values FOR SELECT USING ((SELECT scope_system()) = 'scan');
    -- How many changes wait is counted over all tenants.
    CREATE POLICY scan_counts ON changes FOR SELECT USING ((SELECT scope_system()) = 'scan' AND status = 'pending');
    FOREACH t IN ARRAY ARRAY ['tenant_versions', 'definition_versions'] LOOP -- for the past of a whole chain
        EXECUTE format('CREATE POLICY scan_reads ON %I FOR SELECT USING ((SELECT scope_system()) = ''scan'')', t);
    END LOOP;
END
$$;
-- +goose StatementEnd

GRANT SELECT, INSERT, UPDATE ON tenant_keys TO hotswap_app;
GRANT SELECT, INSERT, UPDATE ON sealed_values TO hotswap_app;
GRANT UPDATE (value) ON config_versions TO hotswap_app; -- the trigger version_stays says when
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO hotswap_app;
