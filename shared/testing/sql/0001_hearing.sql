-- The toy consumer of the test kit: what it heard, how often, and what each close stood on.
CREATE TABLE heard (
    topic   text        NOT NULL,
    stream  text        NOT NULL,
    version integer     NOT NULL,
    at      timestamptz NOT NULL,
    times   integer     NOT NULL DEFAULT 1,
    PRIMARY KEY (topic, stream, version)
);
-- An effect that does not forgive a repetition.
CREATE TABLE tally (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    facts bigint  NOT NULL DEFAULT 0
);
INSERT INTO tally DEFAULT VALUES;
CREATE TABLE closed (
    close_at timestamptz NOT NULL,
    facts    bigint      NOT NULL,
    sha256   text        NOT NULL
);
