-- Sign-in at the console: logins in progress, which nobody stands behind yet, and the sessions of people.

-- +goose Up

CREATE TABLE sessions (
    hash       bytea PRIMARY KEY CHECK (octet_length(hash) = 32), -- SHA-256 of what the cookie holds, which is kept nowhere
    id         uuid NOT NULL UNIQUE,              -- its public name
    person_id  uuid REFERENCES people,            -- null for a login in progress
    data       text NOT NULL,                     -- JSON object
    address    text NOT NULL DEFAULT '',
    user_agent text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,              -- last activity, to the minute
    expires_at timestamptz NOT NULL               -- at the latest
);
CREATE INDEX sessions_created ON sessions (created_at DESC, id DESC) WHERE person_id IS NOT NULL; -- the list of all
CREATE INDEX sessions_person ON sessions (person_id, created_at DESC, id DESC) WHERE person_id IS NOT NULL; -- and of one person
CREATE INDEX sessions_expires ON sessions (expires_at);

-- A row opens the console: nobody but the system actor that signs people in sees one.
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY auth_only ON sessions
    USING ((SELECT scope_system()) = 'auth') WITH CHECK ((SELECT scope_system()) = 'auth');

GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO hotswap_app;
