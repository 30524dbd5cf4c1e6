-- Who has uploaded anything, by letter: for registries that have no lists of their users.
CREATE INDEX releases_of_user ON releases (substr(user_key, 1, 1), user_key, username);
