-- The end of a tenant: the keys of a deleted one are refused, and after 30 days what it held is purged.

-- +goose Up

-- Who loads all keys and bindings asks which tenants are deleted.
CREATE INDEX tenants_deleted ON tenants (tenant_id) WHERE status = 'deleted';
CREATE POLICY auth_reads ON tenants FOR SELECT USING ((SELECT scope_system()) = 'auth');

-- The application may not delete values, so the owner does. What may be purged is decided here, by the database's own
-- clock, whoever calls. Ids, numbers and times stay, and so does the audit log; what people wrote goes. The row of the
-- tenant stays as well, for its id is never issued again.
-- +goose StatementBegin
CREATE FUNCTION purge_tenant(tenant text, OUT configs_gone bigint, OUT versions_gone bigint, OUT keys_gone bigint, OUT bindings_gone bigint)
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
REVOKE ALL ON FUNCTION purge_tenant(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_tenant(text) TO hotswap_app;
