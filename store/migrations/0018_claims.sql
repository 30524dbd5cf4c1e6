-- A claim that is said again is found by its token, however many runs its runner has made since: by its beginning, as a whole digest is long.
CREATE INDEX runs_by_token ON runs (substr(token_hash, 1, 8));
