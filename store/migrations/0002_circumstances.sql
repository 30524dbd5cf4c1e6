-- What a run found beside its verdict, and under which conditions it ran, as JSON: protocol::Circumstances.
ALTER TABLE results ADD COLUMN circumstances TEXT NOT NULL DEFAULT '{}';
