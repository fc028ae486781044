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

-- What instances said of themselves goes with their tenant. All else is as it was.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION purge_tenant(tenant text, OUT configs_gone bigint, OUT versions_gone bigint, OUT keys_gone bigint, OUT bindings_gone bigint)
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp LANGUAGE plpgsql AS
$$
DECLARE
    scope constant text := coalesce(current_setting('app.tenants', true), '');
BEGIN
    IF NOT (public.scope_all() OR coalesce(tenant = ANY (public.scope_tenants()), false)) THEN
        RAISE EXCEPTION 'the tenant lies outside the scope' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM set_config('app.tenants', tenant, true);
    PERFORM FROM public.tenants WHERE tenant_id = tenant AND status = 'deleted' AND purged_at IS NULL
        AND deleted_at <= clock_timestamp() - interval '30 days' FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the tenant is not due to be purged' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    -- No other key is ever made for the tenant: what was sealed stays closed. Backups of before hold the wrapped key still.
    INSERT INTO public.tenant_keys AS k (tenant_id, master, destroyed_at) VALUES (tenant, '', clock_timestamp())
    ON CONFLICT (tenant_id) DO UPDATE SET keyset = NULL, commitment = NULL, version = k.version + 1,
        destroyed_at = coalesce(k.destroyed_at, clock_timestamp());
    DELETE FROM public.sealed_values WHERE tenant_id = tenant;

    DELETE FROM public.config_versions WHERE tenant_id = tenant;
    GET DIAGNOSTICS versions_gone = ROW_COUNT;
    DELETE FROM public.configs WHERE tenant_id = tenant;
    GET DIAGNOSTICS configs_gone = ROW_COUNT;
    DELETE FROM public.definition_versions WHERE tenant_id = tenant;
    DELETE FROM public.definitions WHERE tenant_id = tenant;

    DELETE FROM public.change_items WHERE tenant_id = tenant;
    UPDATE public.changes SET title = 'purged', reason = '' WHERE tenant_id = tenant;
    UPDATE public.decisions SET comment = '' WHERE tenant_id = tenant AND comment <> '';
    UPDATE public.deployments SET reason = '' WHERE tenant_id = tenant AND reason <> '';

    DELETE FROM public.instances WHERE tenant_id = tenant;
    DELETE FROM public.api_keys WHERE tenant_id = tenant;
    GET DIAGNOSTICS keys_gone = ROW_COUNT;
    DELETE FROM public.role_bindings WHERE tenant_id = tenant;
    GET DIAGNOSTICS bindings_gone = ROW_COUNT;

    UPDATE public.tenant_versions SET name = tenant WHERE tenant_id = tenant;
    UPDATE public.tenants SET name = tenant, metadata = '{}', purged_at = clock_timestamp() WHERE tenant_id = tenant;
    PERFORM set_config('app.tenants', scope, true);
END
$$;
-- +goose StatementEnd
