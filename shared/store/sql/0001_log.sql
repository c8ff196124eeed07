-- The masonry of every service: its log, its streams, its marks, its checkpoints.

-- The log is the outbox: append-only, the sender's bytes beside our enriched fact.
CREATE TABLE events (
    position       bigint      NOT NULL,
    xid            xid8        NOT NULL DEFAULT pg_current_xact_id(),
    topic          text        NOT NULL,
    stream         text        NOT NULL COLLATE "C",
    version        integer     NOT NULL,
    source         text        NOT NULL COLLATE "C",
    event_id       text        NOT NULL COLLATE "C",
    type           text        NOT NULL,
    occurred_at    timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL,
    sha256         bytea       NOT NULL,
    payload        bytea       NOT NULL,
    fact           bytea       NOT NULL,
    hospital_id    text,
    distributor_id text,
    manufacturers  text,
    CONSTRAINT events_identity UNIQUE (source, event_id),
    CONSTRAINT events_version UNIQUE (stream, version)
);
CREATE INDEX events_order ON events (xid, position);
-- Reconciliation asks for a day; the log is nearly in order of time, so a BRIN costs nothing.
CREATE INDEX events_recorded ON events USING brin (recorded_at) WITH (pages_per_range = 32);

-- Positions are handed out in blocks of 1024, so that COPY needs no RETURNING.
CREATE SEQUENCE event_blocks;

-- One row per stream: its version, its state, and when it wants to be woken.
CREATE TABLE streams (
    stream         text        PRIMARY KEY COLLATE "C",
    version        integer     NOT NULL,
    state          bytea       NOT NULL,
    next_due       timestamptz,
    first_xid      xid8        NOT NULL DEFAULT pg_current_xact_id(),
    first_position bigint      NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX streams_due ON streams (next_due, stream) WHERE next_due IS NOT NULL;

-- The head of the log: its epoch (a restore raises it), the next closing instant, and a counter of
-- everything that decisions stand on besides streams (registers, calendar).
CREATE TABLE log_head (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch     integer NOT NULL DEFAULT 1,
    next_mark timestamptz,
    last_mark timestamptz,
    world     bigint  NOT NULL DEFAULT 0
);
INSERT INTO log_head DEFAULT VALUES;

-- Where a consumer stands, under an epoch: moved only together with its effects.
CREATE TABLE checkpoints (
    group_name text   NOT NULL,
    partition  text   NOT NULL,
    cursor     text   NOT NULL DEFAULT '',
    epoch      bigint NOT NULL DEFAULT 0,
    last_mark  timestamptz,
    PRIMARY KEY (group_name, partition)
);

-- Barriers: which partitions have met which mark, and which closes are done.
CREATE TABLE met (
    close_at  timestamptz NOT NULL,
    partition text        NOT NULL,
    PRIMARY KEY (close_at, partition)
);
CREATE TABLE closes (
    close_at timestamptz PRIMARY KEY,
    facts    bigint      NOT NULL DEFAULT 0
);

-- The working-day calendar as far as it differs from the shipped one.
CREATE TABLE calendar_years (
    year        integer     PRIMARY KEY,
    days        bytea       NOT NULL,
    recorded_at timestamptz NOT NULL
);
