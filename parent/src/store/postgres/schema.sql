-- Version 1 of the record store in PostgreSQL. COLLATE "C" is the order of bytes, whatever the database's own is.
CREATE SCHEMA permafrost;
CREATE TABLE permafrost.store (schema_version integer NOT NULL);
INSERT INTO permafrost.store VALUES (1);
CREATE TABLE permafrost.records (
    kind    text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    version bigint           NOT NULL CHECK (version >= 1),
    record  bytea            NOT NULL,
    -- As in the header Record-Tags; empty if there are none.
    tags    text COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, id)
);
-- What is sealed cannot be compressed.
ALTER TABLE permafrost.records ALTER COLUMN record SET STORAGE EXTERNAL;
-- Each of those tags once more, so that the records that have a tag are found in order of id.
CREATE TABLE permafrost.tags (
    kind text COLLATE "C" NOT NULL,
    tag  bytea            NOT NULL,
    id   text COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, tag, id)
);
-- Makes a record its next version if `expected` is the present one (0: there is none), or deletes it if there is no next one.
-- One statement of the client, and so one transaction. It needs READ COMMITTED, where each statement in here sees what was
-- committed before it.
CREATE FUNCTION permafrost.change(
    of_kind text, of_id text, expected bigint, next_record bytea, next_tags text, OUT done boolean, OUT current bigint
) LANGUAGE plpgsql AS $$
DECLARE
    past_tags text;
BEGIN
    done := false;
    LOOP
        SELECT version, tags INTO current, past_tags
            FROM permafrost.records WHERE kind = of_kind AND id = of_id FOR UPDATE;
        -- The greatest version has no next.
        IF coalesce(current, 0) <> expected OR expected = 9223372036854775807 AND next_record IS NOT NULL THEN
            RETURN;
        END IF;
        IF next_record IS NULL THEN
            DELETE FROM permafrost.records WHERE kind = of_kind AND id = of_id;
        ELSIF current IS NULL THEN
            INSERT INTO permafrost.records VALUES (of_kind, of_id, 1, next_record, next_tags) ON CONFLICT DO NOTHING;
            -- Another transaction has put the first version: its row, which can be locked only now, decides.
            CONTINUE WHEN NOT FOUND;
        ELSE
            UPDATE permafrost.records SET version = expected + 1, record = next_record, tags = next_tags
                WHERE kind = of_kind AND id = of_id;
        END IF;
        IF coalesce(past_tags, '') <> next_tags THEN
            DELETE FROM permafrost.tags AS present USING unnest(string_to_array(past_tags, ',')) AS past (tag)
                WHERE present.kind = of_kind AND present.id = of_id AND present.tag = decode(past.tag, 'hex');
            INSERT INTO permafrost.tags
                SELECT of_kind, decode(next.tag, 'hex'), of_id FROM unnest(string_to_array(next_tags, ',')) AS next (tag);
        END IF;
        done := true;
        RETURN;
    END LOOP;
END
$$;
