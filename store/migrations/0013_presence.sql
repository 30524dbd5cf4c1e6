-- Why a runner that is there takes no work, and until when; empty where it does.
ALTER TABLE runners ADD COLUMN away TEXT NOT NULL DEFAULT '';
ALTER TABLE runners ADD COLUMN away_until BIGINT;
