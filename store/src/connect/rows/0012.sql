INSERT INTO runner_keys (runner_id, place, public_key, registered_at)
VALUES ('01KAJ0000000000000000000C1', 0, '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c', 9);
INSERT INTO signatures (run_id, public_key, signature)
VALUES ('01KAJ0000000000000000000R2', '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c', 'ab');
UPDATE runs SET withdrawn_at = 9 WHERE id = '01KAJ0000000000000000000R2';
