-- Items of changes are found by their key.

-- +goose Up

-- Who makes a key a secret seals what changes of all layers below hold of it; a tenant that moves to another tier lists
-- the keys of its own.
CREATE INDEX change_items_key ON change_items (key, tenant_id);
