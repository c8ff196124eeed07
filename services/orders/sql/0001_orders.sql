-- Orders: what its stream rows show to lists, and the registers that orders refer to.

ALTER TABLE streams
    ADD COLUMN hospital_id    text,
    ADD COLUMN distributor_id text,
    ADD COLUMN manufacturers  text,
    ADD COLUMN states         integer,
    ADD COLUMN last_due       timestamptz;

CREATE INDEX streams_hospital ON streams (hospital_id, first_xid, first_position);
CREATE INDEX streams_distributor ON streams (distributor_id, first_xid, first_position);
-- A calendar change looks for orders whose dues have not passed.
CREATE INDEX streams_last_due ON streams (last_due);

-- The six registers in one table: the body as put, and the counter of the change it came with.
CREATE TABLE registers (
    kind           text    NOT NULL,
    id             text    NOT NULL COLLATE "C",
    body           bytea   NOT NULL,
    sha256         bytea   NOT NULL,
    version        integer NOT NULL,
    change         bigint  NOT NULL,
    hospital_id    text,
    product_id     text,
    distributor_id text,
    batch_id       text,
    PRIMARY KEY (kind, id)
);
CREATE INDEX registers_change ON registers (change);
CREATE INDEX registers_agreement ON registers (hospital_id, product_id, distributor_id)
    WHERE kind = 'agreement';
