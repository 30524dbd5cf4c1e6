-- The right to send in what one's own CI found: of the distribution `name`, or of all whose latest release the user `name` uploaded (`scope`). Of the
-- day that began at `day_at`, `uploads` were taken.
CREATE TABLE upload_tokens (
    id          TEXT   NOT NULL PRIMARY KEY,
    scope       TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    token_hash  TEXT   NOT NULL UNIQUE,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    revoked_at  BIGINT,
    used_at     BIGINT,
    day_at      BIGINT NOT NULL DEFAULT 0,
    uploads     BIGINT NOT NULL DEFAULT 0
);

-- Trees that maintainers' own CI has tested; nothing else of the database refers to them. A tree is one by its commit and its digest; without a
-- commit that is empty.
CREATE TABLE pre_releases (
    id             TEXT   NOT NULL PRIMARY KEY,
    dist           TEXT   NOT NULL,
    dist_key       TEXT   NOT NULL,
    version        TEXT   NOT NULL,
    commit_hash    TEXT   NOT NULL,
    git_ref        TEXT   NOT NULL DEFAULT '',
    source_sha256  TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    UNIQUE (dist_key, version, commit_hash, source_sha256)
);
CREATE INDEX pre_releases_of_dist ON pre_releases (dist_key, updated_at);
CREATE INDEX pre_releases_by_date ON pre_releases (updated_at);

-- What was found on each target, as it was sent (protocol::PreReleaseResult), and by which token.
CREATE TABLE pre_release_results (
    pre_release_id  TEXT   NOT NULL REFERENCES pre_releases (id) ON DELETE CASCADE,
    target          TEXT   NOT NULL,
    token_id        TEXT   NOT NULL REFERENCES upload_tokens (id),
    result          TEXT   NOT NULL,
    received_at     BIGINT NOT NULL,
    PRIMARY KEY (pre_release_id, target)
);
CREATE INDEX pre_release_results_by_token ON pre_release_results (token_id);
