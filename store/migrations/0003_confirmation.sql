-- Confirmation, FLAKY, retries and quarantine: see src/confirm.rs. A round is what one wish brings: runs until its verdict stands.
-- `doubt` is the flag that the standing verdict has of others' disagreement: empty, UNCONFIRMED or FLAKY. `reported` counts the results
-- of the round, and `place` says which of them one is. A job that is parked waits, and is in no lane.
ALTER TABLE jobs ADD COLUMN round BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN reported BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN doubt TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN confirmed_by TEXT;
ALTER TABLE jobs ADD COLUMN parked_until BIGINT;
ALTER TABLE jobs ADD COLUMN time_factor BIGINT NOT NULL DEFAULT 1;
ALTER TABLE results ADD COLUMN round BIGINT NOT NULL DEFAULT 0;
ALTER TABLE results ADD COLUMN place BIGINT NOT NULL DEFAULT 0;
UPDATE jobs SET doubt = 'UNCONFIRMED' WHERE result_id IN (SELECT id FROM results WHERE grade = 'FAIL');
CREATE INDEX jobs_claimable ON jobs (target, rank, owner_key, queued_at, id) WHERE state = 'queued' AND parked_until IS NULL;
CREATE INDEX jobs_parked ON jobs (parked_until, target, rank) WHERE parked_until IS NOT NULL;

-- Which runner a waiting job is not for, as another one is to say its opinion. The last three columns are the job's lane.
CREATE TABLE avoidances (
    job_id     TEXT   NOT NULL REFERENCES jobs (id),
    runner_id  TEXT   NOT NULL REFERENCES runners (id),
    target     TEXT   NOT NULL,
    rank       BIGINT NOT NULL,
    owner_key  TEXT   NOT NULL,
    PRIMARY KEY (job_id, runner_id)
);
CREATE INDEX avoidances_of_lane ON avoidances (runner_id, target, rank, owner_key);

-- What others made of a runner's result: `odd` is 1 where two others agreed against it, and 0 where one agreed with it.
CREATE TABLE opinions (
    run_id     TEXT   NOT NULL PRIMARY KEY REFERENCES results (id),
    runner_id  TEXT   NOT NULL REFERENCES runners (id),
    dist_key   TEXT   NOT NULL,
    odd        BIGINT NOT NULL,
    formed_at  BIGINT NOT NULL
);
CREATE INDEX opinions_of_runner ON opinions (runner_id, formed_at);

-- `trusted_at` is when an operator released the runner last: opinions from before do not count.
ALTER TABLE runners ADD COLUMN quarantined_at BIGINT;
ALTER TABLE runners ADD COLUMN quarantine_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE runners ADD COLUMN trusted_at BIGINT NOT NULL DEFAULT 0;
