-- Version 2 of the record store. A sealed record has some kilobytes, for which SQLite's documentation
-- advises against WITHOUT ROWID.
CREATE TABLE records (
    kind    TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    record  BLOB    NOT NULL,
    -- As in the header Record-Tags; empty if there are none.
    tags    TEXT    NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;
-- Each of those tags once more, so that the records that have a tag are found in order of id.
CREATE TABLE tags (
    kind TEXT NOT NULL,
    tag  BLOB NOT NULL,
    id   TEXT NOT NULL,
    PRIMARY KEY (kind, tag, id)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 2;
PRAGMA application_id = 1347571014;
