-- What stands of a job, kept beside it (src/standing.rs), so that a matrix of the whole registry needs no look at any result: the grade, or
-- empty; UNCONFIRMED or FLAKY where that does not count, by the doubt of its round or by its own runner's word; in which phase, on which
-- server and by whom it was found.
ALTER TABLE jobs ADD COLUMN standing TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN unsure TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN found_in TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN found_on TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN found_by TEXT;
UPDATE jobs SET standing = results.grade, found_in = results.phase, found_on = COALESCE(results.postgresql, ''),
    found_by = runs.runner_id,
    unsure = CASE WHEN jobs.doubt = 'FLAKY' AND results.grade IN ('PASS', 'UNTESTED', 'FAIL', 'NA') THEN 'FLAKY'
        WHEN ' ' || results.flags || ' ' LIKE '% FLAKY %' THEN 'FLAKY'
        WHEN jobs.doubt = 'UNCONFIRMED' AND results.grade = 'FAIL' THEN 'UNCONFIRMED' ELSE '' END
FROM results LEFT JOIN runs ON runs.id = results.id WHERE results.id = jobs.result_id;

-- All that a matrix counts and filters by, in the index alone.
CREATE INDEX jobs_standing ON jobs (release_id, target, state, standing, unsure, found_by, found_on);
