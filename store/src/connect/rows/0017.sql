UPDATE counters SET value = 9 WHERE name = 'images';
