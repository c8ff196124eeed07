-- Monthly settlement (按月结算): statements of one hospital and one payee, each line in one of them for ever.

CREATE SEQUENCE statement_numbers;

-- A row per statement as its stream left it, for lists and for what is done to many at once.
CREATE TABLE statements (
    statement_id text COLLATE "C" NOT NULL CONSTRAINT statements_pkey PRIMARY KEY,
    number       bigint NOT NULL CONSTRAINT statements_number UNIQUE,
    hospital_id  text COLLATE "C" NOT NULL,
    payee_id     text COLLATE "C" NOT NULL,
    month        text COLLATE "C" NOT NULL,
    pool         text COLLATE "C" NOT NULL,
    state        text COLLATE "C" NOT NULL,
    drafted_at   timestamptz NOT NULL,
    began_at     timestamptz NOT NULL,
    due_at       timestamptz,
    receipts_fen bigint NOT NULL CHECK (receipts_fen >= 0),
    returns_fen  bigint NOT NULL CHECK (returns_fen <= 0),
    carried_fen  bigint NOT NULL CHECK (carried_fen <= 0),
    total_fen    bigint NOT NULL GENERATED ALWAYS AS (receipts_fen + returns_fen + carried_fen) STORED,
    is_second    boolean NOT NULL,
    is_apart     boolean NOT NULL,
    in_held      boolean NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX statements_month ON statements (month, statement_id);
CREATE INDEX statements_state ON statements (state, statement_id);
CREATE INDEX statements_hospital ON statements (hospital_id, statement_id);
CREATE INDEX statements_payee ON statements (payee_id, statement_id);
CREATE INDEX statements_unsettled ON statements (hospital_id, payee_id)
    WHERE state IN ('draft', 'hospital_confirmed');
CREATE INDEX statements_payable ON statements (payee_id) WHERE state = 'approved';
CREATE INDEX statements_apart ON statements (payee_id) WHERE is_apart;

-- What a statement is made of. A receipt line or a returned line is claimed by its key: in one statement,
-- ever, until a dispute lets it come again. Prices and amounts are those of the draft.
CREATE TABLE statement_lines (
    statement       bigint NOT NULL,
    line            bigint NOT NULL GENERATED ALWAYS AS IDENTITY (CACHE 1000),
    order_id        text COLLATE "C" NOT NULL,
    receipt_id      text COLLATE "C" NOT NULL,
    order_line_id   text COLLATE "C" NOT NULL,
    return_id       text COLLATE "C" NOT NULL DEFAULT '',
    product_id      text COLLATE "C" NOT NULL,
    manufacturer_id text COLLATE "C",
    batch_id        text COLLATE "C",
    quantity        bigint NOT NULL,
    unit_price      bigint NOT NULL,
    amount_fen      bigint NOT NULL,
    dispute_id      text COLLATE "C",
    is_disputed     boolean NOT NULL DEFAULT false,
    freed_at        timestamptz,
    CONSTRAINT statement_lines_pkey PRIMARY KEY (statement, line)
);
CREATE UNIQUE INDEX statement_lines_claim ON statement_lines (order_id, receipt_id, order_line_id, return_id)
    WHERE freed_at IS NULL;

-- A total that asked for nothing enters one statement, once.
CREATE TABLE carried (
    statement_id text COLLATE "C" NOT NULL CONSTRAINT carried_pkey PRIMARY KEY,
    hospital_id  text COLLATE "C" NOT NULL,
    payee_id     text COLLATE "C" NOT NULL,
    total_fen    bigint NOT NULL,
    into_id      text COLLATE "C"
);
CREATE INDEX carried_waiting ON carried (hospital_id, payee_id) WHERE into_id IS NULL;

-- Which months are drafted, and what a draft that runs has still to do.
CREATE TABLE drafts (
    month   text COLLATE "C" NOT NULL CONSTRAINT drafts_pkey PRIMARY KEY,
    at      timestamptz NOT NULL,
    is_done boolean NOT NULL DEFAULT false
);
CREATE TABLE draft_hospitals (
    hospital_id text COLLATE "C" NOT NULL CONSTRAINT draft_hospitals_pkey PRIMARY KEY,
    lines       bigint NOT NULL
);

-- A returned line waits here until a statement takes it, and again when a dispute lets it go.
ALTER TABLE return_lines ADD COLUMN is_free boolean NOT NULL DEFAULT true;
CREATE INDEX return_lines_free ON return_lines (hospital_id) WHERE is_free;
DROP INDEX return_lines_hospital;

CREATE TABLE disputes (
    dispute_id   text COLLATE "C" NOT NULL CONSTRAINT disputes_pkey PRIMARY KEY,
    statement_id text COLLATE "C" NOT NULL,
    hospital_id  text COLLATE "C" NOT NULL,
    payee_id     text COLLATE "C" NOT NULL,
    line_ids     text[] NOT NULL,
    reason       text NOT NULL,
    opened_at    timestamptz NOT NULL,
    opened_by    text NOT NULL,
    outcome      text
);
CREATE INDEX disputes_hospital ON disputes (hospital_id, dispute_id);
CREATE INDEX disputes_payee ON disputes (payee_id, dispute_id);

-- `scope` and `scope_id` as sent: all, or a batch, a product, a manufacturer. `is_routed`: every payable
-- lies where the suspension as it stands wants it.
CREATE TABLE suspensions (
    suspension_id text COLLATE "C" NOT NULL CONSTRAINT suspensions_pkey PRIMARY KEY,
    payee_id      text COLLATE "C",
    scope         text COLLATE "C" NOT NULL CHECK (scope IN ('all', 'batch', 'product', 'manufacturer')),
    scope_id      text COLLATE "C",
    begins_at     timestamptz NOT NULL,
    lifted_at     timestamptz,
    is_routed     boolean NOT NULL DEFAULT false
);

-- A payment's split is reserved while the bank is awaited.
CREATE TABLE payments (
    payment_id       text COLLATE "C" NOT NULL CONSTRAINT payments_pkey PRIMARY KEY,
    statement_id     text COLLATE "C" NOT NULL,
    hospital_id      text COLLATE "C" NOT NULL,
    payee_id         text COLLATE "C" NOT NULL,
    pool             text COLLATE "C" NOT NULL,
    from_prepaid_fen bigint NOT NULL CHECK (from_prepaid_fen >= 0),
    from_fund_fen    bigint NOT NULL CHECK (from_fund_fen >= 0),
    state            text COLLATE "C" NOT NULL CHECK (state IN ('paying', 'paid', 'failed')),
    ordered_at       timestamptz NOT NULL,
    bank_reference   text COLLATE "C" CONSTRAINT payments_reference UNIQUE,
    value_date       date,
    reason           text
);
CREATE INDEX payments_statement ON payments (statement_id);
CREATE INDEX payments_reserved ON payments (hospital_id) WHERE state = 'paying' AND from_prepaid_fen > 0;
CREATE INDEX payments_pool ON payments (pool, payment_id);
