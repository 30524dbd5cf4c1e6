-- How often in a row a runner has lost what it claimed, and when last: it gets ever less until it reports again.
ALTER TABLE runners ADD COLUMN lost BIGINT NOT NULL DEFAULT 0;
ALTER TABLE runners ADD COLUMN lost_at BIGINT;

-- What a runner has claimed and not yet ended, to count it at each claim.
CREATE INDEX runs_open_of_runner ON runs (runner_id) WHERE state = 'open';
