-- The right to become a runner, told to one volunteer: who knows the secret has it, once. Without a name, the volunteer chooses one.
CREATE TABLE invitations (
    id           TEXT   NOT NULL PRIMARY KEY,
    name         TEXT   NOT NULL DEFAULT '',
    secret_hash  TEXT   NOT NULL UNIQUE,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    used_at      BIGINT,
    runner_id    TEXT   REFERENCES runners (id)
);

-- Who asked to become a runner. The digest is that of what becomes the runner's token once an operator approves.
CREATE TABLE join_requests (
    id          TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL,
    token_hash  TEXT   NOT NULL UNIQUE,
    note        TEXT   NOT NULL DEFAULT '',
    state       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    decided_at  BIGINT,
    runner_id   TEXT   REFERENCES runners (id)
);
CREATE INDEX join_requests_pending ON join_requests (expires_at) WHERE state = 'pending';

-- A token that takes the place of the runner's own when it is first used, and since when there is one.
ALTER TABLE runners ADD COLUMN next_token_hash TEXT;
ALTER TABLE runners ADD COLUMN next_token_at BIGINT;
CREATE UNIQUE INDEX runners_by_next_token ON runners (next_token_hash) WHERE next_token_hash IS NOT NULL;
