INSERT INTO upload_tokens (id, scope, name, token_hash, created_at, expires_at)
VALUES ('01KAJ0000000000000000000T1', 'dist', 'pair', 'ff', 7, 9);
INSERT INTO pre_releases (id, dist, dist_key, version, commit_hash, source_sha256, created_at, updated_at)
VALUES ('01KAJ0000000000000000000P1', 'Pair', 'pair', '1.1.0', '', 'ab', 7, 8);
INSERT INTO pre_release_results (pre_release_id, target, token_id, result, received_at)
VALUES ('01KAJ0000000000000000000P1', 'pg17-amd64', '01KAJ0000000000000000000T1', '{"target":"pg17-amd64","verdict":{"phase":"installcheck","reason":"tests-passed"}}', 8);
