-- What is matched three ways (三单匹配): receipt lines, invoice lines and returned lines of main suppliers.

-- A row per invoice line, once for ever: `version` is the invoice's position in its order's stream.
CREATE TABLE invoice_lines (
    order_id      text COLLATE "C" NOT NULL,
    invoice_id    text COLLATE "C" NOT NULL,
    order_line_id text COLLATE "C" NOT NULL,
    receipt_id    text COLLATE "C" NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('sale', 'credit')),
    return_id     text COLLATE "C",
    quantity      bigint NOT NULL CHECK (quantity > 0),
    unit_price    bigint NOT NULL CHECK (unit_price >= 0),
    occurred_at   timestamptz NOT NULL,
    version       integer NOT NULL,
    recorded_at   timestamptz NOT NULL,
    CONSTRAINT invoice_lines_pkey PRIMARY KEY (order_id, invoice_id, order_line_id)
);

-- A row per receipt line, with what its invoices add up to. An invoice that overtakes its receipt
-- makes the row; what the receipt says is then missing until it has come. A hospital writes an id
-- of its own for each receipt, so the order is part of the key.
--
-- The match is written by the database itself, so that no writer can forget it, and a month's draft
-- reads it. Sums are numeric: an absurd invoice must not stop everybody's money. `changed_at` is when
-- we last wrote the row, so that a draft need not look at all that was ever settled.
CREATE TABLE receipt_lines (
    order_id        text COLLATE "C" NOT NULL,
    receipt_id      text COLLATE "C" NOT NULL,
    order_line_id   text COLLATE "C" NOT NULL,
    hospital_id     text COLLATE "C",
    payee_id        text COLLATE "C",
    pool            text COLLATE "C",
    product_id      text COLLATE "C",
    manufacturer_id text COLLATE "C",
    batch_id        text COLLATE "C",
    selected_price  bigint,
    accepted        bigint CHECK (accepted > 0),
    occurred_at     timestamptz,
    recorded_at     timestamptz,
    invoiced        numeric NOT NULL DEFAULT 0,
    sale_price      bigint,
    sale_at         timestamptz,
    sale_version    integer,
    changed_at      timestamptz NOT NULL,
    outcome         text COLLATE "C" GENERATED ALWAYS AS (
        CASE
            WHEN accepted IS NULL THEN NULL
            WHEN invoiced = 0 THEN 'no_invoice'
            WHEN invoiced <> accepted THEN 'quantity_differs'
            WHEN sale_price <= selected_price THEN 'matched'
            ELSE 'price_above_selected'
        END
    ) STORED,
    -- Only what is matched is worth it: of all others it is what would be.
    amount_fen      numeric GENERATED ALWAYS AS (
        div(accepted::numeric * sale_price + 500000, 1000000)
    ) STORED,
    CONSTRAINT receipt_lines_pkey PRIMARY KEY (order_id, receipt_id, order_line_id)
) WITH (fillfactor = 80);

CREATE INDEX receipt_lines_matched ON receipt_lines (hospital_id, changed_at)
    WHERE outcome = 'matched';
CREATE INDEX receipt_lines_unmatched
    ON receipt_lines (hospital_id, order_id, receipt_id, order_line_id)
    WHERE outcome <> 'matched';
CREATE INDEX receipt_lines_unmatched_payee
    ON receipt_lines (payee_id, hospital_id, order_id, receipt_id, order_line_id)
    WHERE outcome <> 'matched';

-- A row per line of a confirmed return; `occurred_at` is when the distributor says that it confirmed.
CREATE TABLE return_lines (
    order_id      text COLLATE "C" NOT NULL,
    return_id     text COLLATE "C" NOT NULL,
    order_line_id text COLLATE "C" NOT NULL,
    receipt_id    text COLLATE "C" NOT NULL,
    hospital_id   text COLLATE "C" NOT NULL,
    payee_id      text COLLATE "C" NOT NULL,
    pool          text COLLATE "C" NOT NULL,
    product_id    text COLLATE "C" NOT NULL,
    quantity      bigint NOT NULL CHECK (quantity > 0),
    occurred_at   timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL,
    CONSTRAINT return_lines_pkey PRIMARY KEY (order_id, return_id, order_line_id)
);
CREATE INDEX return_lines_hospital ON return_lines (hospital_id, recorded_at);

-- Deliveries were read before for their accruals alone: invoices and returns are read from the
-- beginning. What has accrued meets its business key and stays. Over a broker a cursor stands for
-- each channel of the topic.
UPDATE checkpoints SET cursor = '' WHERE group_name = 'settlement';
