-- Sentences for the next page of a session. They have a column of their own: two requests beside each other add to it
-- and take from it without one bringing back, or losing, what the other did.

-- +goose Up

ALTER TABLE sessions ADD COLUMN flashes text[] NOT NULL DEFAULT '{}';
