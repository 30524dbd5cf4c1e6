INSERT INTO symptoms (signature, phase, reason, text, seen_at)
VALUES ('0123456789abcdef', 'installcheck', 'tests-failed', 'ERROR: operator does not exist: oid = text', 5);
INSERT INTO symptom_cells (job_id, signature, major, dist_key) VALUES ('01KAJ0000000000000000000B2', '0123456789abcdef', 17, 'pair');
UPDATE results SET signature = '0123456789abcdef' WHERE id = '01KAJ0000000000000000000R2';
UPDATE jobs SET comparison = 'NEW-FAIL', compared_id = '01KAJ0000000000000000000R2', compared_at = 5
WHERE id = '01KAJ0000000000000000000B2';
