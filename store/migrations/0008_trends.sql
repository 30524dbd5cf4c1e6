-- What happened on each day (of UTC, counted from 1970), for charts: kept up by the transactions in which it happens, see src/trends.rs.

-- Results by the day on which they were accepted.
CREATE TABLE daily_results (
    day      BIGINT NOT NULL,
    major    BIGINT NOT NULL,
    reason   TEXT   NOT NULL,
    grade    TEXT   NOT NULL,
    results  BIGINT NOT NULL,
    PRIMARY KEY (day, major, reason)
);
INSERT INTO daily_results (day, major, reason, grade, results)
SELECT accepted_at / 86400000, CAST(SUBSTR(target, 3, 2) AS BIGINT), reason, MIN(grade), COUNT(*) FROM results GROUP BY 1, 2, 3;

-- How often a phase ran, and how long it took in all.
CREATE TABLE daily_phases (
    day          BIGINT NOT NULL,
    phase        TEXT   NOT NULL,
    runs         BIGINT NOT NULL,
    duration_ms  BIGINT NOT NULL,
    PRIMARY KEY (day, phase)
);
INSERT INTO daily_phases (day, phase, runs, duration_ms)
SELECT results.accepted_at / 86400000, phases.phase, COUNT(*), CAST(SUM(phases.duration_ms) AS BIGINT)
FROM phases JOIN results ON results.id = phases.run_id WHERE phases.outcome <> 'skipped' GROUP BY 1, 2;

-- How many jobs began to wait, and how many ceased to. Of those of before it is known when they were taken, but not always since when they
-- had waited: not longer than since their job was queued last.
CREATE TABLE daily_queue (
    day   BIGINT NOT NULL PRIMARY KEY,
    came  BIGINT NOT NULL,
    went  BIGINT NOT NULL
);
INSERT INTO daily_queue (day, came, went)
SELECT day, CAST(SUM(came) AS BIGINT), CAST(SUM(went) AS BIGINT) FROM (
    SELECT claimed_at / 86400000 AS day, 0 AS came, 1 AS went FROM runs
    UNION ALL SELECT CASE WHEN jobs.queued_at < runs.claimed_at THEN jobs.queued_at ELSE runs.claimed_at END / 86400000, 1, 0
        FROM runs JOIN jobs ON jobs.id = runs.job_id
    UNION ALL SELECT queued_at / 86400000, 1, 0 FROM jobs WHERE state = 'queued'
) AS moves GROUP BY day;

-- Releases and distributions by the day on which the registry got the first archive of each.
CREATE TABLE daily_releases (
    day       BIGINT NOT NULL PRIMARY KEY,
    releases  BIGINT NOT NULL,
    dists     BIGINT NOT NULL
);
INSERT INTO daily_releases (day, releases, dists)
SELECT day, CAST(SUM(releases) AS BIGINT), CAST(SUM(dists) AS BIGINT) FROM (
    SELECT MIN(released_at) / 86400000 AS day, 1 AS releases, 0 AS dists FROM releases GROUP BY dist_key, version
    UNION ALL SELECT MIN(released_at) / 86400000, 0, 1 FROM releases GROUP BY dist_key
) AS firsts GROUP BY day;
