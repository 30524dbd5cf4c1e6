-- The platforms that a runner emulates, as it told last: what fails there alone waits for one that does not.
ALTER TABLE runners ADD COLUMN emulated TEXT NOT NULL DEFAULT '[]';

-- Settled jobs whose failure nothing has confirmed: what a runner with a machine for them may change.
CREATE INDEX jobs_unconfirmed ON jobs (target, id) WHERE doubt = 'UNCONFIRMED' AND state = 'finished';
