INSERT INTO invitations (id, secret_hash, created_at, expires_at) VALUES ('01KAJ0000000000000000000N1', 'cc', 7, 9);
INSERT INTO join_requests (id, name, token_hash, state, created_at, expires_at)
VALUES ('01KAJ0000000000000000000Q1', 'cellar', 'dd', 'pending', 7, 9);
UPDATE runners SET next_token_hash = 'ee', next_token_at = 7 WHERE name = 'attic';
