UPDATE jobs SET doubt = 'UNCONFIRMED', reported = 1, rank = 2 WHERE id = '01KAJ0000000000000000000B2';
UPDATE runners SET quarantined_at = 9, quarantine_reason = 'an operator said so' WHERE id = '01KAJ0000000000000000000C1';
INSERT INTO runners (id, name, token_hash, created_at, last_seen_at, version, targets)
VALUES ('01KAJ0000000000000000000C2', 'cellar', 'ee', 1, 5, '0.1.0', '["pg16-amd64"]');
INSERT INTO avoidances (job_id, runner_id, target, rank, owner_key)
VALUES ('01KAJ0000000000000000000B1', '01KAJ0000000000000000000C1', 'pg16-amd64', 1, 'theory');
INSERT INTO opinions (run_id, runner_id, dist_key, odd, formed_at)
VALUES ('01KAJ0000000000000000000R2', '01KAJ0000000000000000000C1', 'pair', 1, 6);
