-- Whatever turned red or green in the release that was the latest then, in the order in which it was committed; never changed. What turned
-- before this table was there and still stands comes first.
CREATE TABLE turns (
    place       BIGINT NOT NULL PRIMARY KEY,
    job_id      TEXT   NOT NULL REFERENCES jobs (id),
    run_id      TEXT   NOT NULL REFERENCES results (id),
    before_id   TEXT   NOT NULL REFERENCES results (id),
    comparison  TEXT   NOT NULL,
    dist_key    TEXT   NOT NULL,
    user_key    TEXT   NOT NULL,
    major       BIGINT NOT NULL,
    turned_at   BIGINT NOT NULL,
    UNIQUE (job_id, before_id, comparison),
    UNIQUE (run_id, comparison)
);
CREATE INDEX turns_of_dist ON turns (dist_key, place);
CREATE INDEX turns_of_user ON turns (user_key, place);
CREATE INDEX turns_of_major ON turns (major, place);
INSERT INTO turns (place, job_id, run_id, before_id, comparison, dist_key, user_key, major, turned_at)
SELECT ROW_NUMBER() OVER (ORDER BY jobs.compared_at, jobs.id), jobs.id, jobs.result_id, jobs.compared_id, jobs.comparison, releases.dist_key,
    releases.user_key, CAST(replace(replace(replace(jobs.target, 'pg', ''), '-amd64', ''), '-arm64', '') AS BIGINT), jobs.compared_at
FROM jobs JOIN releases ON releases.id = jobs.release_id JOIN dists ON dists.latest_id = releases.id
WHERE jobs.comparison IN ('NEW-FAIL', 'FIXED') AND jobs.doubt = '' AND jobs.result_id IS NOT NULL AND jobs.compared_id IS NOT NULL;

-- The row is the lock under which turns get their places.
INSERT INTO counters (name, value) SELECT 'turns', COUNT(*) FROM turns;

-- Who hears of what turns in a distribution, and by what. `address` is sealed with a key that the database does not have, `shown` is what of it
-- may be shown, `target_key` tells whether two are the same. `hold_ms` is how long what turned is gathered before it is sent, and
-- `quiet_until` when it may be sent again. `due_at` is when something is to be sent, `attempts` how often that was tried in vain.
CREATE TABLE subscriptions (
    id           TEXT   NOT NULL PRIMARY KEY,
    dist         TEXT   NOT NULL,
    dist_key     TEXT   NOT NULL,
    channel      TEXT   NOT NULL,
    proof        TEXT   NOT NULL,
    target_key   TEXT   NOT NULL,
    address      TEXT   NOT NULL,
    shown        TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    hold_ms      BIGINT NOT NULL,
    quiet_until  BIGINT NOT NULL DEFAULT 0,
    due_at       BIGINT,
    attempts     BIGINT NOT NULL DEFAULT 0,
    remote       TEXT   NOT NULL DEFAULT '',
    created_at   BIGINT NOT NULL,
    ended_at     BIGINT,
    end_reason   TEXT   NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX subscriptions_of_dist ON subscriptions (dist_key, channel, target_key) WHERE state = 'active';
CREATE INDEX subscriptions_due ON subscriptions (due_at, id) WHERE due_at IS NOT NULL;

-- What is to be told to whom: written in the transaction in which it turned.
CREATE TABLE deliveries (
    subscription_id  TEXT   NOT NULL REFERENCES subscriptions (id),
    place            BIGINT NOT NULL REFERENCES turns (place),
    state            TEXT   NOT NULL,
    attempts         BIGINT NOT NULL DEFAULT 0,
    tried_at         BIGINT,
    said             TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (subscription_id, place)
);
CREATE INDEX deliveries_waiting ON deliveries (subscription_id, place) WHERE state = 'waiting';

-- To whom a link to confirm was sent, by a digest of the address, so that nobody gets many.
CREATE TABLE confirmations (
    address_key  TEXT   NOT NULL,
    dist_key     TEXT   NOT NULL,
    sent_at      BIGINT NOT NULL,
    PRIMARY KEY (address_key, dist_key)
);
CREATE INDEX confirmations_by_date ON confirmations (sent_at);
