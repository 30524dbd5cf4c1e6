-- The keys with which runners sign, in order from 0: the latest is in use, each of the others ended when the next one came. Never changed. `proof`
-- is what the one before made of this one.
CREATE TABLE runner_keys (
    runner_id      TEXT   NOT NULL REFERENCES runners (id),
    place          BIGINT NOT NULL,
    public_key     TEXT   NOT NULL,
    proof          TEXT   NOT NULL DEFAULT '',
    registered_at  BIGINT NOT NULL,
    PRIMARY KEY (runner_id, place),
    UNIQUE (runner_id, public_key)
);
ALTER TABLE join_requests ADD COLUMN public_key TEXT;

-- By which key a result was signed (protocol::Statement), verified when it was accepted. Those of before have none.
CREATE TABLE signatures (
    run_id      TEXT NOT NULL PRIMARY KEY REFERENCES results (id),
    public_key  TEXT NOT NULL,
    signature   TEXT NOT NULL
);

-- Results count unless their run is withdrawn: see src/withdrawal.rs. A runner's runs since `withdrawn_from` are to be.
ALTER TABLE runners ADD COLUMN withdrawn_from BIGINT;
ALTER TABLE runs ADD COLUMN withdrawn_at BIGINT;
CREATE INDEX runs_counting ON runs (runner_id, state, claimed_at) WHERE withdrawn_at IS NULL;
CREATE INDEX runs_withdrawn ON runs (runner_id, withdrawn_at) WHERE withdrawn_at IS NOT NULL;
CREATE INDEX jobs_compared ON jobs (compared_id) WHERE compared_id IS NOT NULL;
CREATE INDEX turns_before ON turns (before_id);

-- How many results are withdrawn now, and how often any was or was taken back.
INSERT INTO counters (name, value) VALUES ('withdrawn', 0), ('marks', 0);

-- What a quarantine of before did not run again is withdrawn now: a week of it, as then.
UPDATE runners SET withdrawn_from = quarantined_at - 604800000 WHERE quarantined_at IS NOT NULL AND revoked_at IS NULL;
