-- Feedback: what its stream rows show to lists, and the registers that a ticket refers to.

ALTER TABLE streams
    ADD COLUMN hospital_id  text COLLATE "C",
    ADD COLUMN addressees   text,
    ADD COLUMN ticket_state text,
    ADD COLUMN level        text,
    ADD COLUMN bureau       text;

CREATE INDEX streams_hospital ON streams (hospital_id, stream);
-- A ticket may have several addressees, each of whom asks for its own.
CREATE INDEX streams_addressees ON streams USING gin (string_to_array(addressees, ' '));

-- Who is registered as what: a copy of what jicai.reference.v1 says.
CREATE TABLE registers (
    kind    text    NOT NULL COLLATE "C",
    id      text    NOT NULL COLLATE "C",
    version integer NOT NULL,
    kinds   text[]  NOT NULL,
    CONSTRAINT registers_pkey PRIMARY KEY (kind, id)
);
