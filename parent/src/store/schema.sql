-- Version 1 of the record store. A sealed record has some kilobytes, for which SQLite's documentation
-- advises against WITHOUT ROWID.
CREATE TABLE records (
    kind    TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    record  BLOB    NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;
PRAGMA user_version = 1;
PRAGMA application_id = 1347571014;
