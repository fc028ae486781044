-- The house: scopes, tenants and layers, definitions, values, changes, deployments, access, audit.
-- Rules kept by every table of a tenant: tenant_id leads every key, and the row-level policies at the
-- end of this file are ENABLEd and FORCEd with USING and WITH CHECK. A test reads the catalogue.

-- +goose Up

CREATE EXTENSION IF NOT EXISTS btree_gist;

-- ---- scopes -------------------------------------------------------------------------------------
-- store.Tx sets three settings per transaction. Postgres leaves '' behind after SET LOCAL, so an
-- empty setting must mean the same as none: no rows.

CREATE FUNCTION scope_all() RETURNS boolean STABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT coalesce(current_setting('app.tenants', true) = '*', false) $$;

CREATE FUNCTION scope_tenants() RETURNS text[] STABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT string_to_array(NULLIF(current_setting('app.tenants', true), ''), ',') $$;

-- Layers above the tenants of the scope: readable, never writable.
CREATE FUNCTION scope_layers() RETURNS text[] STABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT string_to_array(NULLIF(current_setting('app.layers', true), ''), ',') $$;

-- The system actor at work, if one is.
CREATE FUNCTION scope_system() RETURNS text STABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT NULLIF(current_setting('app.system', true), '') $$;

-- ---- without a tenant -----------------------------------------------------------------------------

CREATE TABLE environments (
    name       text PRIMARY KEY CHECK (name ~ '^[A-Za-z][A-Za-z0-9-]{0,31}$' AND lower(name) NOT IN ('keys', 'roles')),
    position   integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX environments_name ON environments (lower(name));

CREATE TABLE people (
    id             uuid PRIMARY KEY,
    issuer         text NOT NULL,
    subject        text,                          -- null until the first login of someone added by e-mail
    email          text NOT NULL DEFAULT '',      -- lower case
    email_verified boolean NOT NULL DEFAULT false,
    name           text NOT NULL DEFAULT '',
    groups         text[] NOT NULL DEFAULT '{}',
    groups_at      timestamptz,
    disabled_at    timestamptz,
    last_login_at  timestamptz,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (issuer, subject)
);
CREATE INDEX people_email ON people (email);

-- ---- tenants and layers ---------------------------------------------------------------------------

CREATE TABLE tenants (
    tenant_id  text PRIMARY KEY CHECK (tenant_id ~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?|@platform|@tier\.[a-z0-9][a-z0-9-]*)$'),
    name       text NOT NULL,
    tier       text NOT NULL DEFAULT '',          -- the tier's name; '' for layers
    status     text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'deleted')),
    metadata   text NOT NULL DEFAULT '{}',
    version    bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX tenants_tier ON tenants (tier, tenant_id);

CREATE TABLE tenant_versions (
    tenant_id text NOT NULL REFERENCES tenants,
    version   bigint NOT NULL,
    name      text NOT NULL,
    tier      text NOT NULL,
    status    text NOT NULL,
    live_from timestamptz NOT NULL,
    live_to   timestamptz CHECK (live_to > live_from),
    PRIMARY KEY (tenant_id, version),
    EXCLUDE USING gist (tenant_id WITH =, tstzrange(live_from, live_to) WITH &&) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE TABLE heads (
    tenant_id   text NOT NULL,
    environment text NOT NULL,                    -- '' and the reserved words name control data
    revision    bigint NOT NULL DEFAULT 1,        -- orders
    token       uuid NOT NULL DEFAULT gen_random_uuid(), -- identifies
    xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
    moved_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, environment)
);
CREATE INDEX heads_xid ON heads (xid);

-- Keys, bindings and people are known to every node under control heads of the platform. Who writes
-- one may hold no right on the platform's rows, so the owner moves the head.
-- +goose StatementBegin
CREATE FUNCTION control_moved(kind text) RETURNS TABLE (revision bigint, token uuid)
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp LANGUAGE plpgsql AS
$$
DECLARE
    scope constant text := coalesce(current_setting('app.tenants', true), '');
BEGIN
    IF kind NOT IN ('keys', 'roles') THEN
        RAISE EXCEPTION 'no control data is called %', kind;
    END IF;
    PERFORM set_config('app.tenants', '@platform', true);
    RETURN QUERY
    INSERT INTO public.heads AS h (tenant_id, environment) VALUES ('@platform', kind)
    ON CONFLICT (tenant_id, environment) DO UPDATE
        SET revision = h.revision + 1, token = gen_random_uuid(), xid = pg_current_xact_id(), moved_at = clock_timestamp()
    RETURNING h.revision, h.token;
    PERFORM set_config('app.tenants', scope, true);
END
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION control_moved(text) FROM PUBLIC;

-- ---- policies ---------------------------------------------------------------------------------------

CREATE TABLE policies (
    tenant_id          text NOT NULL REFERENCES tenants, -- @platform, or the layer of a tier
    environment        text NOT NULL REFERENCES environments,
    stages             jsonb NOT NULL DEFAULT '[]',      -- [{"name","role","required"}] in order
    default_strategy   text NOT NULL DEFAULT 'direct',
    allowed_strategies text[] NOT NULL DEFAULT '{direct}',
    require_previous   boolean NOT NULL DEFAULT false,
    min_soak           bigint NOT NULL DEFAULT 0,        -- seconds
    expires_in         bigint NOT NULL DEFAULT 604800 CHECK (expires_in BETWEEN 86400 AND 2592000), -- seconds
    version            bigint NOT NULL DEFAULT 1,
    updated_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, environment)
);

-- ---- changes ----------------------------------------------------------------------------------------

CREATE TABLE changes (
    tenant_id     text NOT NULL REFERENCES tenants,
    id            uuid NOT NULL,
    environment   text NOT NULL REFERENCES environments,
    title         text NOT NULL,
    reason        text NOT NULL DEFAULT '',
    origin        text NOT NULL,                  -- edit, promote, delete, rollback
    author        text NOT NULL,                  -- kind:id
    editors       text[] NOT NULL DEFAULT '{}',   -- kind:id
    responsible   uuid[] NOT NULL DEFAULT '{}',   -- people who answer for services that wrote it
    status        text NOT NULL CHECK (status IN ('draft', 'pending', 'approved', 'scheduled', 'deploying', 'deployed',
                                                  'rejected', 'cancelled', 'expired', 'rolled_back', 'failed')),
    digest        text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    strategy      text NOT NULL,
    always_review boolean NOT NULL DEFAULT false, -- approvalRequired: a stage even where policy has none
    stages        jsonb NOT NULL DEFAULT '[]',    -- [{"name","role","required"}] as asked of this change
    version       bigint NOT NULL DEFAULT 1,      -- counts every write of this row; the ETag
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    expires_at    timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX changes_id ON changes (id);
CREATE INDEX changes_status ON changes (tenant_id, status, created_at DESC, id);
CREATE INDEX changes_waiting ON changes (created_at DESC, id DESC) WHERE status = 'pending'; -- what people of all tenants may decide
CREATE INDEX changes_created ON changes (created_at DESC, id);

CREATE TABLE change_items (
    tenant_id    text NOT NULL,
    change_id    uuid NOT NULL,
    position     integer NOT NULL,
    key          text NOT NULL,
    op           text NOT NULL CHECK (op IN ('set', 'delete')),
    value        text,                            -- canonical JSON; null for delete
    previous     text,                            -- what it replaces, as it was when the change was written
    base_version bigint NOT NULL,                 -- live version it was written against; 0 for none
    config_id    uuid NOT NULL,
    defines      text,                            -- canonical JSON of the definition this item makes, if it makes one
    definition   bigint NOT NULL DEFAULT 0,       -- version of the definition it was checked against; 0 for its own
    sensitive    boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, change_id, position),
    UNIQUE (tenant_id, change_id, key),
    FOREIGN KEY (tenant_id, change_id) REFERENCES changes (tenant_id, id)
);

CREATE TABLE decisions (
    tenant_id text NOT NULL,
    id        uuid NOT NULL,
    change_id uuid NOT NULL,
    stage     text NOT NULL,
    person_id uuid NOT NULL REFERENCES people,
    decision  text NOT NULL CHECK (decision IN ('approve', 'reject')),
    digest    text NOT NULL,
    comment   text NOT NULL DEFAULT '',
    at        timestamptz NOT NULL,
    voided    text NOT NULL DEFAULT '',           -- why it no longer counts: edited, struck, resubmitted
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, change_id) REFERENCES changes (tenant_id, id)
);
CREATE UNIQUE INDEX decisions_person ON decisions (tenant_id, change_id, person_id) WHERE voided = '';

CREATE TABLE deployments (
    tenant_id   text NOT NULL,
    id          uuid NOT NULL,
    change_id   uuid NOT NULL,
    environment text NOT NULL,                    -- the change's
    strategy    text NOT NULL,
    status      text NOT NULL CHECK (status IN ('queued', 'running', 'paused', 'watching', 'succeeded', 'rolled_back', 'aborted', 'failed')),
    step        integer NOT NULL DEFAULT 0,
    percent     integer NOT NULL DEFAULT 0 CHECK (percent BETWEEN 0 AND 100),
    reason      text NOT NULL DEFAULT '',
    version     bigint NOT NULL DEFAULT 1,
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, change_id) REFERENCES changes (tenant_id, id)
);
CREATE INDEX deployments_id ON deployments (id);
CREATE INDEX deployments_change ON deployments (tenant_id, change_id);
CREATE INDEX deployments_started ON deployments (started_at DESC, id);

-- ---- definitions and values ---------------------------------------------------------------------------

CREATE TABLE definitions (
    tenant_id   text NOT NULL REFERENCES tenants,
    key         text NOT NULL,
    type        text NOT NULL CHECK (type IN ('boolean', 'number', 'string', 'json')),
    schema      text NOT NULL DEFAULT '',         -- JSON Schema, '' for none
    description text NOT NULL DEFAULT '',
    sensitive   boolean NOT NULL DEFAULT false,
    version     bigint NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, key)
);
CREATE INDEX definitions_key ON definitions (key);

CREATE TABLE definition_versions (
    tenant_id   text NOT NULL,
    key         text NOT NULL,
    version     bigint NOT NULL,
    type        text NOT NULL,
    schema      text NOT NULL,
    description text NOT NULL,
    sensitive   boolean NOT NULL,
    author      text NOT NULL,                    -- kind:id
    change_id   uuid,                             -- the change that made it, if one did
    live_from   timestamptz NOT NULL,
    live_to     timestamptz CHECK (live_to > live_from),
    PRIMARY KEY (tenant_id, key, version),
    FOREIGN KEY (tenant_id, key) REFERENCES definitions (tenant_id, key),
    FOREIGN KEY (tenant_id, change_id) REFERENCES changes (tenant_id, id),
    EXCLUDE USING gist (tenant_id WITH =, key WITH =, tstzrange(live_from, live_to) WITH &&) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE TABLE configs (
    tenant_id   text NOT NULL REFERENCES tenants,
    id          uuid NOT NULL,
    environment text NOT NULL REFERENCES environments,
    key         text NOT NULL,
    last        bigint NOT NULL,                  -- number of the newest version
    live        bigint,                           -- number of the live version; null after a delete
    size        bigint NOT NULL DEFAULT 0,        -- bytes of the live value; 0 after a delete
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, environment, key)
);
CREATE INDEX configs_id ON configs (id);
CREATE INDEX configs_key ON configs (key, environment); -- of columns that never change: an update touches no index

CREATE TABLE config_versions (
    tenant_id  text NOT NULL,
    config_id  uuid NOT NULL,
    version    bigint NOT NULL,
    value      text NOT NULL,                     -- canonical JSON
    change_id  uuid NOT NULL,
    author     text NOT NULL,                     -- kind:id
    live_from  timestamptz NOT NULL,
    live_to    timestamptz CHECK (live_to > live_from),
    PRIMARY KEY (tenant_id, config_id, version),
    FOREIGN KEY (tenant_id, config_id) REFERENCES configs (tenant_id, id),
    FOREIGN KEY (tenant_id, change_id) REFERENCES changes (tenant_id, id),
    EXCLUDE USING gist (tenant_id WITH =, config_id WITH =, tstzrange(live_from, live_to) WITH &&) DEFERRABLE INITIALLY IMMEDIATE
);
CREATE INDEX config_versions_live ON config_versions (tenant_id, config_id) WHERE live_to IS NULL;

-- ---- access ---------------------------------------------------------------------------------------------

CREATE TABLE role_bindings (
    tenant_id    text NOT NULL REFERENCES tenants, -- @platform binds for all tenants
    id           uuid NOT NULL,
    role         text NOT NULL,
    environment  text NOT NULL DEFAULT '',         -- '' for all
    subject_kind text NOT NULL CHECK (subject_kind IN ('person', 'group', 'key')),
    subject      text NOT NULL,                    -- person id, group name or key id
    created_by   text NOT NULL,                    -- kind:id
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, subject_kind, subject, role, environment)
);
CREATE INDEX role_bindings_id ON role_bindings (id);

CREATE TABLE api_keys (
    tenant_id   text NOT NULL REFERENCES tenants,  -- @platform is a key for all tenants
    id          text NOT NULL,
    name        text NOT NULL,
    role        text NOT NULL,
    environment text NOT NULL DEFAULT '',          -- '' for all
    person_id   uuid REFERENCES people,            -- whose personal key it is; null for a service
    responsible uuid[] NOT NULL DEFAULT '{}',      -- people who answer for the service
    grants      text[] NOT NULL DEFAULT '{}',
    denies      text[] NOT NULL DEFAULT '{}',
    secret_hash bytea NOT NULL,                    -- SHA-256 of the whole key
    created_by  text NOT NULL,                     -- kind:id
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,
    revoked_at  timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX api_keys_id ON api_keys (id);
CREATE INDEX api_keys_person ON api_keys (person_id) WHERE person_id IS NOT NULL;

-- ---- audit ------------------------------------------------------------------------------------------------

CREATE TABLE audit_heads (
    tenant_id text PRIMARY KEY REFERENCES tenants,
    size      bigint NOT NULL DEFAULT 0            -- entries so far; the next number is size
);

-- Who stands behind an entry. Kept apart so that a person can be erased and every leaf still verifies.
CREATE TABLE audit_subjects (
    tenant_id text NOT NULL,                       -- as audit_heads has it: both are written out of its row
    ref       uuid NOT NULL,                       -- random; what the leaf names
    kind      text NOT NULL,
    actor_id  text NOT NULL,
    name      text NOT NULL,
    address   text NOT NULL,
    salt      bytea NOT NULL,                      -- key of the commitment in the leaf
    PRIMARY KEY (tenant_id, ref)
);
CREATE INDEX audit_subjects_actor ON audit_subjects (tenant_id, actor_id);

CREATE TABLE audit_entries (
    tenant_id  text NOT NULL,                      -- as audit_heads has it
    number     bigint NOT NULL,                    -- without gap from 0 within the tenant
    id         uuid NOT NULL,
    at         timestamptz NOT NULL,
    subject    uuid NOT NULL,                      -- audit_subjects.ref, without a foreign key: it may be erased
    commitment text NOT NULL,                      -- HMAC-SHA256 of the subject under its salt, hex
    action     text NOT NULL,
    resource   text NOT NULL,
    before     text,                               -- canonical JSON
    after      text,                               -- canonical JSON
    request_id text NOT NULL DEFAULT '',
    leaf_hash  bytea NOT NULL,                     -- RFC 6962
    PRIMARY KEY (tenant_id, number)
);
CREATE INDEX audit_entries_id ON audit_entries (id);
CREATE INDEX audit_entries_at ON audit_entries (tenant_id, at DESC, number DESC);
CREATE INDEX audit_entries_all ON audit_entries (at DESC, tenant_id, number DESC);
CREATE INDEX audit_entries_resource ON audit_entries (tenant_id, resource);

-- ---- what there is from the start ----------------------------------------------------------------------------

INSERT INTO environments (name, position) VALUES ('Development', 1), ('QA', 2), ('Staging', 3), ('Production', 4);

INSERT INTO tenants (tenant_id, name) VALUES
    ('@platform', 'Platform'), ('@tier.free', 'Free'), ('@tier.pro', 'Pro'), ('@tier.enterprise', 'Enterprise');
INSERT INTO tenant_versions (tenant_id, version, name, tier, status, live_from)
    SELECT tenant_id, version, name, tier, status, created_at FROM tenants;
INSERT INTO audit_heads (tenant_id) SELECT tenant_id FROM tenants;
INSERT INTO heads (tenant_id, environment) SELECT tenant_id, '' FROM tenants;
INSERT INTO heads (tenant_id, environment) VALUES ('@platform', 'keys'), ('@platform', 'roles');

INSERT INTO policies (tenant_id, environment, stages) VALUES
    ('@platform', 'Development', '[]'),
    ('@platform', 'QA', '[]'),
    ('@platform', 'Staging', '[]'),
    ('@platform', 'Production', '[{"name": "engineer", "role": "engineer", "required": 1},
                                  {"name": "manager", "role": "manager", "required": 1}]'),
    ('@tier.enterprise', 'Production', '[{"name": "engineer", "role": "engineer", "required": 1},
                                         {"name": "manager", "role": "manager", "required": 1},
                                         {"name": "compliance", "role": "compliance", "required": 1}]');

-- ---- row-level security: who sees and writes which rows ---------------------------------------------------------

-- +goose StatementBegin
DO $$
DECLARE
    t text;
    mine constant text := '((SELECT scope_all()) OR tenant_id = ANY ((SELECT scope_tenants())::text[]))';
BEGIN
    FOREACH t IN ARRAY ARRAY ['tenants', 'tenant_versions', 'heads', 'policies', 'changes', 'change_items', 'decisions',
        'deployments', 'definitions', 'definition_versions', 'configs', 'config_versions', 'role_bindings', 'api_keys',
        'audit_heads', 'audit_subjects', 'audit_entries'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own ON %I USING %s WITH CHECK %s', t, mine, mine);
    END LOOP;
    -- What a tenant inherits it may read, nothing else of the layers above.
    FOREACH t IN ARRAY ARRAY ['configs', 'config_versions', 'definitions', 'definition_versions', 'policies', 'heads'] LOOP
        EXECUTE format('CREATE POLICY above ON %I FOR SELECT USING (tenant_id = ANY ((SELECT scope_layers())::text[]))', t);
    END LOOP;
    -- System actors: all that each may touch stands here.
    FOREACH t IN ARRAY ARRAY ['api_keys', 'role_bindings', 'heads', 'audit_subjects', 'audit_entries', 'audit_heads'] LOOP
        EXECUTE format('CREATE POLICY auth_reads ON %I FOR SELECT USING ((SELECT scope_system()) = ''auth'')', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY ['audit_subjects', 'audit_entries'] LOOP
        EXECUTE format('CREATE POLICY auth_writes ON %I FOR INSERT WITH CHECK ((SELECT scope_system()) = ''auth'')', t);
    END LOOP;
    CREATE POLICY auth_counts ON audit_heads FOR UPDATE
        USING ((SELECT scope_system()) = 'auth') WITH CHECK ((SELECT scope_system()) = 'auth');
    CREATE POLICY auth_inserts ON audit_heads FOR INSERT WITH CHECK ((SELECT scope_system()) = 'auth');
    FOREACH t IN ARRAY ARRAY ['heads', 'tenants', 'configs', 'config_versions', 'definitions'] LOOP
        EXECUTE format('CREATE POLICY scan_reads ON %I FOR SELECT USING ((SELECT scope_system()) = ''scan'')', t);
    END LOOP;
END
$$;
-- +goose StatementEnd

-- ---- rights of the application -----------------------------------------------------------------------------------
-- hotswap_app is made by the operator (docs/operations.md): it owns nothing and bypasses nothing.

GRANT USAGE ON SCHEMA public TO hotswap_app;
GRANT SELECT, INSERT, UPDATE ON environments, people, tenants, heads, policies, changes, decisions, deployments,
    definitions, configs, api_keys, audit_heads TO hotswap_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON change_items, role_bindings TO hotswap_app;
GRANT SELECT, INSERT ON tenant_versions, definition_versions, config_versions, audit_subjects, audit_entries TO hotswap_app;
GRANT UPDATE (live_to) ON tenant_versions, definition_versions, config_versions TO hotswap_app;
GRANT EXECUTE ON FUNCTION control_moved(text) TO hotswap_app;
