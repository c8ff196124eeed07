-- A message store as message-db describes its own: a stream's messages have gapless positions, and
-- whoever writes holds the lock of the stream's category, so that a category is read in order.

CREATE TABLE messages (
    global_position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id              uuid        NOT NULL CONSTRAINT messages_id UNIQUE,
    stream_name     text        NOT NULL,
    position        bigint      NOT NULL,
    type            text        NOT NULL,
    data            jsonb,
    metadata        jsonb,
    time            timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT messages_stream UNIQUE (stream_name, position)
);
CREATE INDEX messages_category ON messages (split_part(stream_name, '-', 1), global_position);

CREATE FUNCTION write_message(
    id uuid, stream text, type text, data jsonb, metadata jsonb = NULL, expected bigint = NULL
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    latest bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(split_part(stream, '-', 1), 0));
    SELECT max(m.position) INTO latest FROM messages m WHERE m.stream_name = stream;
    latest := coalesce(latest, -1);
    IF expected IS NOT NULL AND expected <> latest THEN
        RAISE EXCEPTION 'wrong expected version: % (stream %, version %)', expected, stream, latest;
    END IF;
    INSERT INTO messages (id, stream_name, position, type, data, metadata)
    VALUES (id, stream, latest + 1, type, data, metadata);
    RETURN latest + 1;
END $$;
