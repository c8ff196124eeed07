-- What a fact needs on its way to others.

-- The trace it belongs to (W3C), and the areas that may see it where it names no hospital.
ALTER TABLE events ADD COLUMN traceparent text, ADD COLUMN divisions text;

-- How often a partition was claimed without a single step: a process may be dying of a fact.
ALTER TABLE checkpoints ADD COLUMN claims integer NOT NULL DEFAULT 0;

-- A close says when it really ran and which keys were parked then.
ALTER TABLE closes
    DROP COLUMN facts,
    ADD COLUMN ran_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN parked text[] NOT NULL DEFAULT '{}';

-- Facts that a handler could not take, each key's in order: later ones of a key wait behind it.
CREATE TABLE parked (
    seq         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition   text        NOT NULL,
    topic       text        NOT NULL,
    stream      text        NOT NULL COLLATE "C",
    version     integer     NOT NULL,
    source      text        NOT NULL,
    event_id    text        NOT NULL,
    type        text        NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    fact        bytea       NOT NULL,
    traceparent text,
    reason      text        NOT NULL,
    parked_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    published   boolean     NOT NULL DEFAULT false,
    CONSTRAINT parked_once UNIQUE (topic, stream, version)
);
CREATE INDEX parked_partition ON parked (partition);

-- A fact is counted before it is tried where processes have died: it may be what kills them.
CREATE TABLE suspects (
    topic   text    NOT NULL,
    stream  text    NOT NULL COLLATE "C",
    version integer NOT NULL,
    tries   integer NOT NULL DEFAULT 1,
    PRIMARY KEY (topic, stream, version)
);
