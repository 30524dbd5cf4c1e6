INSERT INTO daily_results (day, major, reason, grade, results) VALUES (1, 18, 'tests-passed', 'PASS', 3);
INSERT INTO daily_phases (day, phase, runs, duration_ms) VALUES (1, 'build', 3, 4000);
INSERT INTO daily_queue (day, came, went) VALUES (1, 1, 1);
INSERT INTO daily_releases (day, releases, dists) VALUES (1, 1, 0);
