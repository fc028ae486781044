-- Instances of applications, and the revision that each of them holds.

-- +goose Up

-- Heartbeats of a node are written together, every few seconds. Nothing else refers to a row: it may be lost, and goes
-- when its instance has been silent for a day. Rows are written over and over, so pages keep room for the next state.
CREATE TABLE instances (
    tenant_id     text NOT NULL REFERENCES tenants,
    environment   text NOT NULL,
    unit          text COLLATE "C" NOT NULL CHECK (char_length(unit) BETWEEN 1 AND 128),
    revision      text NOT NULL,             -- as the bulk read names it
    client        text NOT NULL DEFAULT '',  -- what the instance says of itself
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    current_at    timestamptz,               -- when it last reported the revision that was the one of now; null: never
    PRIMARY KEY (tenant_id, environment, unit)
) WITH (fillfactor = 70);

-- +goose StatementBegin
DO $$
DECLARE
    mine constant text := '((SELECT scope_all()) OR tenant_id = ANY ((SELECT scope_tenants())::text[]))';
BEGIN
    ALTER TABLE instances ENABLE ROW LEVEL SECURITY;
    ALTER TABLE instances FORCE ROW LEVEL SECURITY;
    EXECUTE format('CREATE POLICY own ON instances USING %s WITH CHECK %s', mine, mine);
    -- What was gathered from all tenants is written, and pruned, by one system actor.
    CREATE POLICY instances_all ON instances USING ((SELECT scope_system()) = 'instances') WITH CHECK ((SELECT scope_system()) = 'instances');
END
$$;
-- +goose StatementEnd

GRANT SELECT, INSERT, UPDATE, DELETE ON instances TO hotswap_app;
