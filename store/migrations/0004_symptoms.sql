-- The symptom of a result (protocol::Signature), computed when it is accepted.
ALTER TABLE results ADD COLUMN signature TEXT;

-- How what stands of a job compares with the nearest verdict before it (protocol::Comparison), which one that is, and since when.
ALTER TABLE jobs ADD COLUMN comparison TEXT;
ALTER TABLE jobs ADD COLUMN compared_id TEXT;
ALTER TABLE jobs ADD COLUMN compared_at BIGINT;
CREATE INDEX jobs_turned ON jobs (compared_at) WHERE comparison IN ('NEW-FAIL', 'FIXED');

-- Every symptom that was ever seen.
CREATE TABLE symptoms (
    signature  TEXT   NOT NULL PRIMARY KEY,
    phase      TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    text       TEXT   NOT NULL,
    seen_at    BIGINT NOT NULL
);

-- The symptom of each job whose latest result has one, so that those who share it are counted without a look at any result.
CREATE TABLE symptom_cells (
    job_id     TEXT   NOT NULL PRIMARY KEY REFERENCES jobs (id),
    signature  TEXT   NOT NULL REFERENCES symptoms (signature),
    major      BIGINT NOT NULL,
    dist_key   TEXT   NOT NULL
);
CREATE INDEX symptom_cells_shared ON symptom_cells (signature, major, dist_key);
