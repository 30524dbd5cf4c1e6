INSERT INTO turns (place, job_id, run_id, before_id, comparison, dist_key, user_key, major, turned_at)
VALUES (1, '01KAJ0000000000000000000B2', '01KAJ0000000000000000000R2', '01KAJ0000000000000000000R2', 'NEW-FAIL', 'pair', 'theory', 17, 5);
UPDATE counters SET value = 1 WHERE name = 'turns';
INSERT INTO subscriptions (id, dist, dist_key, channel, proof, target_key, address, shown, state, hold_ms, created_at)
VALUES ('01KAJ0000000000000000000D1', 'pair', 'pair', 'webhook', 'file', 'aa', 'sealed', 'https://example.org/…', 'active', 0, 6);
INSERT INTO deliveries (subscription_id, place, state) VALUES ('01KAJ0000000000000000000D1', 1, 'waiting');
INSERT INTO confirmations (address_key, dist_key, sent_at) VALUES ('bb', 'pair', 6);
