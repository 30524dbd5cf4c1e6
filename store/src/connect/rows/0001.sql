INSERT INTO registries (url, cursor, polled_at, newest_dist, newest_version, newest_released_at, touched_at)
VALUES ('http://127.0.0.1/', '17', 3, 'pair', '1.0.0', 2, 3);
INSERT INTO releases (id, dist, dist_key, version, status, username, user_key, sha1, released_at, abstract, meta, seen_at)
VALUES ('01KAJ0000000000000000000A1', 'pair', 'pair', '1.0.0', 'stable', 'theory', 'theory', '00', 2, 'A pair', '{}', 3);
INSERT INTO dists (key, name, releases, latest_id) VALUES ('pair', 'pair', 1, '01KAJ0000000000000000000A1');
INSERT INTO broken_releases (dist, version, dist_key, reason, first_seen_at, tried_at, attempts, next_try_at)
VALUES ('pear', '1.0.0', 'pear', 'META.json is not JSON', 3, 3, 1, 4);
INSERT INTO runners (id, name, token_hash, created_at, last_seen_at, version, targets)
VALUES ('01KAJ0000000000000000000C1', 'attic', 'aa', 1, 5, '0.1.0', '["pg17-amd64"]');
INSERT INTO jobs (id, release_id, target, rank, owner_key, state, attempts, max_attempts, queued_at, changed_at, run_id, result_id)
VALUES ('01KAJ0000000000000000000B1', '01KAJ0000000000000000000A1', 'pg16-amd64', 1, 'theory', 'queued', 0, 3, 3, 3, NULL, NULL),
       ('01KAJ0000000000000000000B2', '01KAJ0000000000000000000A1', 'pg17-amd64', 1, 'theory', 'finished', 1, 3, 3, 5, NULL,
        '01KAJ0000000000000000000R2'),
       ('01KAJ0000000000000000000B3', '01KAJ0000000000000000000A1', 'pg18-amd64', 1, 'theory', 'running', 1, 3, 3, 5,
        '01KAJ0000000000000000000R3', NULL);
INSERT INTO lanes (target, rank, owner_key, waiting, served_turn)
VALUES ('pg16-amd64', 1, 'theory', 1, 2), ('pg17-amd64', 1, 'theory', 0, 2), ('pg18-amd64', 1, 'theory', 0, 2);
UPDATE counters SET value = 2 WHERE name = 'turn';
UPDATE counters SET value = 1 WHERE name = 'results';
INSERT INTO runs (id, job_id, runner_id, target, token_hash, attempt, state, phase, claimed_at, renewed_at, expires_at, ended_at)
VALUES ('01KAJ0000000000000000000R2', '01KAJ0000000000000000000B2', '01KAJ0000000000000000000C1', 'pg17-amd64', 'bb', 1, 'reported',
        'installcheck', 4, 4, 9, 5),
       ('01KAJ0000000000000000000R3', '01KAJ0000000000000000000B3', '01KAJ0000000000000000000C1', 'pg18-amd64', 'cc', 1, 'open',
        'build', 5, 5, 10, NULL);
INSERT INTO results (id, job_id, release_id, target, grade, phase, reason, flags, detail, archive_sha1, archive_sha256, archive_bytes,
    image, image_digest, suite, postgresql, runner, overhead, notes, tests, tests_failed, started_at, finished_at, accepted_at,
    report_sha256)
VALUES ('01KAJ0000000000000000000R2', '01KAJ0000000000000000000B2', '01KAJ0000000000000000000A1', 'pg17-amd64', 'FAIL', 'installcheck',
    'tests-failed', 'CRASH WARNINGS', '1 of 1 tests', '00', '11', 99,
    '{"tag":"t","digest":"sha256:d","recipe":"r","source":"debian","suite":"trixie","postgresql":"17.11","postgresql_full":"PostgreSQL 17.11","platform":"amd64"}',
    'sha256:d', 'trixie', '17.11',
    '{"version":"0.1.0","kernel":"Linux 6.12.0","engine":"Docker 20.10.24","cpus":2.0,"memory_bytes":1024}',
    '{"start_ms":1,"server_ms":1,"copy_in_ms":1,"exec_ms":1,"copy_out_ms":1,"cleanup_ms":1}', '["bitcode off"]', 1, 1, 4, 5, 5, 'dd');
INSERT INTO phases (run_id, place, phase, outcome, reason, exit_code, duration_ms, command, log)
VALUES ('01KAJ0000000000000000000R2', 0, 'installcheck', 'failed', 'tests-failed', 2, 900, 'make installcheck', 'installcheck.log');
INSERT INTO tests (run_id, place, suite, name, outcome) VALUES ('01KAJ0000000000000000000R2', 0, 'regress', 'base', 'failed');
INSERT INTO files (run_id, place, name, kind, sha256, bytes, omitted_bytes)
VALUES ('01KAJ0000000000000000000R2', 0, 'installcheck.log', 'log', 'ee', 10, 0);
