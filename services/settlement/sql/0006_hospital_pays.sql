-- Where the hospital itself pays (医疗机构结算模式): what it has reported to have paid. What it owes
-- is asked of receipt_lines and return_lines; no entry is posted, for no fund pays.

CREATE TABLE hospital_payments (
    payment_id     text COLLATE "C" NOT NULL CONSTRAINT hospital_payments_pkey PRIMARY KEY,
    hospital_id    text COLLATE "C" NOT NULL,
    payee_id       text COLLATE "C" NOT NULL,
    amount_fen     bigint NOT NULL CHECK (amount_fen BETWEEN 1 AND 9007199254740991),
    paid_on        date NOT NULL,
    bank_reference text COLLATE "C" NOT NULL,
    state          text COLLATE "C" NOT NULL
                   CHECK (state IN ('reported', 'contested', 'acknowledged', 'withdrawn')),
    reason         text,
    reported_at    timestamptz NOT NULL,
    reported_by    text NOT NULL
);
CREATE INDEX hospital_payments_pair ON hospital_payments (hospital_id, payee_id, payment_id);
CREATE INDEX hospital_payments_payee ON hospital_payments (payee_id, payment_id);
-- One transfer is reported once: told again under another id, it would hide what is owed.
CREATE UNIQUE INDEX hospital_payments_reference ON hospital_payments (hospital_id, bank_reference)
    WHERE state <> 'withdrawn';
