-- What stands to be settled: one row per received line, for ever.

CREATE TABLE accruals (
    order_id      text COLLATE "C" NOT NULL,
    receipt_id    text COLLATE "C" NOT NULL,
    order_line_id text COLLATE "C" NOT NULL,
    hospital_id   text COLLATE "C" NOT NULL,
    payee_id      text COLLATE "C" NOT NULL,
    product_id    text NOT NULL,
    month         text COLLATE "C" NOT NULL,
    quantity      bigint NOT NULL CHECK (quantity > 0),
    unit_price    bigint NOT NULL CHECK (unit_price >= 0),
    -- The product of two bigints may not be one: an absurd order must not stop everybody's money.
    amount_fen    numeric NOT NULL CHECK (amount_fen >= 0 AND scale(amount_fen) = 0),
    at            timestamptz NOT NULL,
    CONSTRAINT accruals_receipt_line PRIMARY KEY (order_id, receipt_id, order_line_id)
);
CREATE INDEX accruals_hospital ON accruals (hospital_id, month, order_id);
CREATE INDEX accruals_payee ON accruals (payee_id, month, order_id);
