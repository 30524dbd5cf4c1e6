-- The whole farm, from releases to results. One text for SQLite and PostgreSQL: only TEXT, BIGINT, DOUBLE PRECISION and BYTEA; times
-- (`_at`) are unix milliseconds; ids are ULIDs as text. Later migrations only append, and a NOT NULL column brings its DEFAULT.

-- Where the watch of a registry stands.
CREATE TABLE registries (
    url                 TEXT   NOT NULL PRIMARY KEY,
    cursor              TEXT   NOT NULL DEFAULT '',
    validators          TEXT   NOT NULL DEFAULT '{}',
    polled_at           BIGINT,
    failed_at           BIGINT,
    error               TEXT   NOT NULL DEFAULT '',
    newest_dist         TEXT,
    newest_version      TEXT,
    newest_released_at  BIGINT,
    reconciled_at       BIGINT,
    touched_at          BIGINT NOT NULL
);

-- One row per archive: the same version with another sha1 is another release, and supersedes the one before.
CREATE TABLE releases (
    id             TEXT   NOT NULL PRIMARY KEY,
    dist           TEXT   NOT NULL,
    dist_key       TEXT   NOT NULL,
    version        TEXT   NOT NULL,
    status         TEXT   NOT NULL,
    username       TEXT   NOT NULL,
    user_key       TEXT   NOT NULL,
    sha1           TEXT   NOT NULL,
    released_at    BIGINT NOT NULL,
    abstract       TEXT   NOT NULL DEFAULT '',
    meta           TEXT   NOT NULL,
    seen_at        BIGINT NOT NULL,
    superseded_at  BIGINT,
    UNIQUE (dist_key, version, sha1)
);
CREATE INDEX releases_by_date ON releases (released_at, id);

-- One row per distribution, so that lists need not sort versions, which only the program can do.
CREATE TABLE dists (
    key          TEXT   NOT NULL PRIMARY KEY,
    name         TEXT   NOT NULL,
    releases     BIGINT NOT NULL,
    latest_id    TEXT   NOT NULL REFERENCES releases (id)
);

-- Releases that the registry announces and that cannot be read, or whose files are not there yet. The names are as announced: unchecked.
CREATE TABLE broken_releases (
    dist           TEXT   NOT NULL,
    version        TEXT   NOT NULL,
    dist_key       TEXT   NOT NULL,
    reason         TEXT   NOT NULL,
    first_seen_at  BIGINT NOT NULL,
    tried_at       BIGINT NOT NULL,
    attempts       BIGINT NOT NULL,
    next_try_at    BIGINT NOT NULL,
    PRIMARY KEY (dist_key, version)
);
CREATE INDEX broken_releases_due ON broken_releases (next_try_at);

CREATE TABLE runners (
    id            TEXT   NOT NULL PRIMARY KEY,
    name          TEXT   NOT NULL UNIQUE,
    token_hash    TEXT   NOT NULL UNIQUE,
    created_at    BIGINT NOT NULL,
    revoked_at    BIGINT,
    last_seen_at  BIGINT,
    version       TEXT   NOT NULL DEFAULT '',
    targets       TEXT   NOT NULL DEFAULT '[]'
);

-- The wish to test one release on one target. `run_id` is the run that holds the lease, `result_id` the latest accepted result.
CREATE TABLE jobs (
    id            TEXT   NOT NULL PRIMARY KEY,
    release_id    TEXT   NOT NULL REFERENCES releases (id),
    target        TEXT   NOT NULL,
    rank          BIGINT NOT NULL,
    owner_key     TEXT   NOT NULL,
    state         TEXT   NOT NULL,
    attempts      BIGINT NOT NULL,
    max_attempts  BIGINT NOT NULL,
    queued_at     BIGINT NOT NULL,
    changed_at    BIGINT NOT NULL,
    run_id        TEXT,
    result_id     TEXT,
    UNIQUE (release_id, target)
);
CREATE INDEX jobs_of_lane ON jobs (target, rank, owner_key, queued_at, id) WHERE state = 'queued';
CREATE INDEX jobs_in_order ON jobs (rank, queued_at, id) WHERE state = 'queued';

-- How many jobs of an owner wait for a target at a priority, and when that owner had a turn at that priority: see src/jobs.rs.
CREATE TABLE lanes (
    target       TEXT   NOT NULL,
    rank         BIGINT NOT NULL,
    owner_key    TEXT   NOT NULL,
    waiting      BIGINT NOT NULL,
    served_turn  BIGINT NOT NULL,
    PRIMARY KEY (target, rank, owner_key)
);
CREATE INDEX lanes_next ON lanes (target, rank, served_turn, owner_key) WHERE waiting > 0;
CREATE INDEX lanes_of_owner ON lanes (rank, owner_key);

-- Named numbers. `turn` counts claims, and its row is the lock of the queue; `results` counts results.
CREATE TABLE counters (
    name   TEXT   NOT NULL PRIMARY KEY,
    value  BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('turn', 0), ('results', 0);

-- One attempt at a job, from claim to report. The token of its lease is stored as a digest.
CREATE TABLE runs (
    id          TEXT   NOT NULL PRIMARY KEY,
    job_id      TEXT   NOT NULL REFERENCES jobs (id),
    runner_id   TEXT   NOT NULL REFERENCES runners (id),
    target      TEXT   NOT NULL,
    token_hash  TEXT   NOT NULL,
    attempt     BIGINT NOT NULL,
    state       TEXT   NOT NULL,
    phase       TEXT,
    claimed_at  BIGINT NOT NULL,
    renewed_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    ended_at    BIGINT
);
CREATE INDEX runs_open ON runs (expires_at, id) WHERE state = 'open';
CREATE INDEX runs_of_job ON runs (job_id, claimed_at);
CREATE INDEX runs_of_target ON runs (target, claimed_at);
CREATE INDEX runs_of_runner ON runs (runner_id, claimed_at);

-- What a run found; never changed. The id is the run's. A verdict that needed no run (NA) has an id of its own and no row in `runs`.
CREATE TABLE results (
    id              TEXT   NOT NULL PRIMARY KEY,
    job_id          TEXT   NOT NULL REFERENCES jobs (id),
    release_id      TEXT   NOT NULL REFERENCES releases (id),
    target          TEXT   NOT NULL,
    grade           TEXT   NOT NULL,
    phase           TEXT   NOT NULL,
    reason          TEXT   NOT NULL,
    flags           TEXT   NOT NULL,
    detail          TEXT   NOT NULL,
    decisive_file   TEXT,
    decisive_line   BIGINT,
    decisive_text   TEXT,
    archive_sha1    TEXT,
    archive_sha256  TEXT,
    archive_bytes   BIGINT,
    image           TEXT,
    image_digest    TEXT,
    suite           TEXT,
    postgresql      TEXT,
    runner          TEXT,
    overhead        TEXT   NOT NULL,
    notes           TEXT   NOT NULL,
    tests           BIGINT NOT NULL,
    tests_failed    BIGINT NOT NULL,
    started_at      BIGINT NOT NULL,
    finished_at     BIGINT NOT NULL,
    accepted_at     BIGINT NOT NULL,
    report_sha256   TEXT   NOT NULL
);
CREATE INDEX results_by_date ON results (accepted_at, id);
CREATE INDEX results_of_job ON results (job_id, accepted_at);
CREATE INDEX results_by_reason ON results (reason, accepted_at);

CREATE TABLE phases (
    run_id             TEXT   NOT NULL REFERENCES results (id),
    place              BIGINT NOT NULL,
    phase              TEXT   NOT NULL,
    outcome            TEXT   NOT NULL,
    reason             TEXT,
    exit_code          BIGINT,
    signal             BIGINT,
    duration_ms        BIGINT NOT NULL,
    cpu_ms             BIGINT,
    peak_memory_bytes  BIGINT,
    command            TEXT   NOT NULL,
    log                TEXT,
    PRIMARY KEY (run_id, place)
);

CREATE TABLE tests (
    run_id       TEXT   NOT NULL REFERENCES results (id),
    place        BIGINT NOT NULL,
    suite        TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    outcome      TEXT   NOT NULL,
    duration_ms  BIGINT,
    PRIMARY KEY (run_id, place)
);

-- The files of a run; their bytes are objects `runs/<run_id>/<name>.zst` of the blob store.
CREATE TABLE files (
    run_id         TEXT   NOT NULL REFERENCES results (id),
    place          BIGINT NOT NULL,
    name           TEXT   NOT NULL,
    kind           TEXT   NOT NULL,
    sha256         TEXT   NOT NULL,
    bytes          BIGINT NOT NULL,
    omitted_bytes  BIGINT NOT NULL,
    PRIMARY KEY (run_id, place),
    UNIQUE (run_id, name)
);
