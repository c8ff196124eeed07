-- Where the money goes (收款账户), and the files that tell a bank to send it (支付文件).

-- The account of each payee as it stands now. Numbers stand in this schema alone: facts and topics
-- name their last four characters.
CREATE TABLE payee_accounts (
    payee_id          text COLLATE "C" NOT NULL CONSTRAINT payee_accounts_pkey PRIMARY KEY,
    version           integer NOT NULL CHECK (version > 0),
    account_name      text NOT NULL,
    account_number    text NOT NULL,
    bank_name         text NOT NULL,
    bank_code         text NOT NULL,
    assignee_name     text,
    assignee_contract text,
    is_blocked        boolean NOT NULL DEFAULT false,
    reason            text,
    set_at            timestamptz NOT NULL,
    set_by            text NOT NULL,
    CONSTRAINT payee_accounts_assigned CHECK ((assignee_name IS NULL) = (assignee_contract IS NULL))
);

-- A payment goes where the account lay when it was ordered, whatever is changed afterwards.
ALTER TABLE payments
    ADD COLUMN account_version   integer,
    ADD COLUMN account_name      text,
    ADD COLUMN account_number    text,
    ADD COLUMN bank_name         text,
    ADD COLUMN bank_code         text,
    ADD COLUMN assignee_name     text,
    ADD COLUMN assignee_contract text,
    ADD CONSTRAINT payments_account CHECK ((account_version IS NULL) = (account_number IS NULL));
CREATE INDEX payments_payee ON payments (payee_id, payment_id);
CREATE INDEX payments_paying ON payments (pool, payment_id) WHERE state = 'paying';

-- `salt` makes the published hash of a small file tell nothing of the numbers in it.
CREATE TABLE payment_files (
    file_id   text COLLATE "C" NOT NULL CONSTRAINT payment_files_pkey PRIMARY KEY,
    pool      text COLLATE "C" NOT NULL,
    payments  integer NOT NULL CHECK (payments > 0),
    total_fen bigint NOT NULL CHECK (total_fen > 0),
    salt      text NOT NULL,
    sha256    text NOT NULL,
    issued_at timestamptz NOT NULL,
    issued_by text NOT NULL
);
-- A payment is claimed by its key: in one file, ever.
CREATE TABLE payment_file_lines (
    payment_id text COLLATE "C" NOT NULL CONSTRAINT payment_file_lines_pkey PRIMARY KEY,
    file_id    text COLLATE "C" NOT NULL
);
CREATE INDEX payment_file_lines_file ON payment_file_lines (file_id, payment_id);
