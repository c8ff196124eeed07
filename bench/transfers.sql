-- Transfers between accounts as a careful person writes them in plain PostgreSQL: the accounts are
-- locked in order, each transfer is a row, and each of its two sides keeps the balance before and after.

CREATE TABLE accounts (
    id      text    PRIMARY KEY,
    balance numeric NOT NULL DEFAULT 0,
    version bigint  NOT NULL DEFAULT 0
) WITH (fillfactor = 70);

CREATE TABLE transfers (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    from_id    text        NOT NULL REFERENCES accounts,
    to_id      text        NOT NULL REFERENCES accounts,
    amount     numeric     NOT NULL CHECK (amount > 0),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (from_id <> to_id)
);

CREATE TABLE sides (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account  text    NOT NULL REFERENCES accounts,
    transfer bigint  NOT NULL REFERENCES transfers,
    amount   numeric NOT NULL,
    before   numeric NOT NULL,
    after    numeric NOT NULL,
    version  bigint  NOT NULL
);
CREATE INDEX sides_account ON sides (account, id);
CREATE INDEX sides_transfer ON sides (transfer);

CREATE FUNCTION transfer(source text[], target text[], amounts numeric[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one  record;
    made bigint;
    sums record;
BEGIN
    PERFORM FROM accounts WHERE id = ANY (source || target) ORDER BY id FOR UPDATE;
    FOR one IN SELECT * FROM unnest(source, target, amounts) AS u (from_id, to_id, amount) LOOP
        INSERT INTO transfers (from_id, to_id, amount)
        VALUES (one.from_id, one.to_id, one.amount) RETURNING id INTO made;

        UPDATE accounts SET balance = balance - one.amount, version = version + 1
        WHERE id = one.from_id RETURNING balance, version INTO sums;
        INSERT INTO sides (account, transfer, amount, before, after, version)
        VALUES (one.from_id, made, -one.amount, sums.balance + one.amount, sums.balance, sums.version);

        UPDATE accounts SET balance = balance + one.amount, version = version + 1
        WHERE id = one.to_id RETURNING balance, version INTO sums;
        INSERT INTO sides (account, transfer, amount, before, after, version)
        VALUES (one.to_id, made, one.amount, sums.balance - one.amount, sums.balance, sums.version);
    END LOOP;
END $$;
