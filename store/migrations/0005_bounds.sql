-- What cannot be asked for again, as its name or version is none, is put off on its own and takes no turn from what can.
ALTER TABLE broken_releases ADD COLUMN askable BIGINT NOT NULL DEFAULT 1;
CREATE INDEX broken_releases_askable ON broken_releases (askable, next_try_at);
DROP INDEX broken_releases_due;

-- Runs whose runners stopped answering: few, and asked for at each first failure.
CREATE INDEX runs_expired ON runs (runner_id, ended_at) WHERE state = 'expired';

-- Which runners are avoided on a target at all, and by which jobs.
CREATE INDEX avoidances_of_target ON avoidances (target, runner_id, job_id);

-- Since when nothing is left to run again of what a quarantined runner found.
ALTER TABLE runners ADD COLUMN settled_at BIGINT;

-- Opinions count by who owns what was tested, as one author may have many distributions.
ALTER TABLE opinions ADD COLUMN owner_key TEXT NOT NULL DEFAULT '';
UPDATE opinions SET owner_key =
    COALESCE((SELECT jobs.owner_key FROM results JOIN jobs ON jobs.id = results.job_id WHERE results.id = opinions.run_id), dist_key);

-- A page of those that show a symptom, in the order in which they are listed.
ALTER TABLE symptom_cells ADD COLUMN target TEXT NOT NULL DEFAULT '';
UPDATE symptom_cells SET target = (SELECT jobs.target FROM jobs WHERE jobs.id = symptom_cells.job_id);
CREATE INDEX symptom_cells_paged ON symptom_cells (signature, dist_key, target DESC, job_id DESC);

-- Whatever asks for it is served by jobs_claimable, which leaves out what is parked.
DROP INDEX jobs_of_lane;
