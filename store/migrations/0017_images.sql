-- Since when runners have to have made their images, in milliseconds since 1970; 0 where it does not matter.
INSERT INTO counters (name, value) VALUES ('images', 0);
