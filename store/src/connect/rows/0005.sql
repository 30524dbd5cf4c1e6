UPDATE broken_releases SET askable = 0;
UPDATE runners SET settled_at = 10 WHERE quarantined_at IS NOT NULL;
