-- What the fund's money is reckoned by besides receipts: a copy of what jicai.reference.v1 says.

CREATE TABLE registers (
    kind         text    COLLATE "C" NOT NULL,
    id           text    COLLATE "C" NOT NULL,
    version      integer NOT NULL,
    name         text,
    kinds        text    NOT NULL,
    generic_name text,
    CONSTRAINT registers_pkey PRIMARY KEY (kind, id)
);

-- A batch's main entries, with the divisions and the selected price of each, as they were sent.
CREATE TABLE batches (
    batch_id     text    COLLATE "C" NOT NULL CONSTRAINT batches_pkey PRIMARY KEY,
    version      integer NOT NULL,
    effective_on date    NOT NULL,
    ends_on      date    NOT NULL,
    main         bytea   NOT NULL
);

CREATE TABLE agreements (
    agreement_id text    COLLATE "C" NOT NULL CONSTRAINT agreements_pkey PRIMARY KEY,
    version      integer NOT NULL,
    batch_id     text    COLLATE "C" NOT NULL,
    hospital_id  text    COLLATE "C" NOT NULL,
    product_id   text    COLLATE "C" NOT NULL,
    quantity     bigint  NOT NULL,
    starts_on    date,
    ends_on      date
);
CREATE INDEX agreements_hospital ON agreements (batch_id, hospital_id);

CREATE TABLE demand_reports (
    report_id    text    COLLATE "C" NOT NULL CONSTRAINT demand_reports_pkey PRIMARY KEY,
    version      integer NOT NULL,
    batch_id     text    COLLATE "C" NOT NULL,
    hospital_id  text    COLLATE "C" NOT NULL,
    generic_name text    NOT NULL,
    quantity     bigint  NOT NULL
);
CREATE INDEX demand_reports_hospital ON demand_reports (batch_id, hospital_id);

-- What hospitals used of a generic beside the selected products: it lowers what they retain.
CREATE TABLE non_selected_receipts (
    order_id      text   COLLATE "C" NOT NULL,
    receipt_id    text   COLLATE "C" NOT NULL,
    order_line_id text   COLLATE "C" NOT NULL,
    hospital_id   text   COLLATE "C" NOT NULL,
    generic_name  text   NOT NULL,
    at            timestamptz NOT NULL,
    quantity      bigint NOT NULL,
    unit_price    bigint NOT NULL,
    CONSTRAINT non_selected_receipts_pkey PRIMARY KEY (order_id, receipt_id, order_line_id)
);
CREATE INDEX non_selected_receipts_hospital ON non_selected_receipts (hospital_id, generic_name, at);

-- What was calculated, once for each batch, year and hospital: the facts stand in the log, these
-- rows are what lists ask.
CREATE TABLE retentions (
    batch_id      text        COLLATE "C" NOT NULL,
    year          integer     NOT NULL,
    hospital_id   text        COLLATE "C" NOT NULL,
    calculated_at timestamptz NOT NULL,
    retained_fen  numeric     NOT NULL CHECK (retained_fen >= 0 AND scale(retained_fen) = 0),
    fact          bytea       NOT NULL,
    CONSTRAINT retentions_pkey PRIMARY KEY (batch_id, year, hospital_id)
);
CREATE INDEX retentions_hospital ON retentions (hospital_id, batch_id, year);

-- Streams are of several kinds from now on, so each state says which it is; until here all were accruals.
UPDATE streams SET state = convert_to('["accrual",' || substr(convert_from(state, 'UTF8'), 2), 'UTF8')
WHERE starts_with(stream, 'accrual-');
