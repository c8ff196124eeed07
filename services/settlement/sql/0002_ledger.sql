-- The ledger: double entry in integer fen, append-only, balanced and closed by the database itself,
-- chained behind its writers. Tables whose comment begins with "append-only" are given to nobody
-- for change. Names are qualified in functions, so that no search_path misleads them.

CREATE TABLE entries (
    entry_id text    COLLATE "C" NOT NULL CONSTRAINT entries_pkey PRIMARY KEY,
    key      text    COLLATE "C" NOT NULL CONSTRAINT entries_key UNIQUE,
    at       timestamptz NOT NULL,
    -- The local day; a fixed offset, for Beijing has had no summer time since 1991.
    day      date    NOT NULL GENERATED ALWAYS AS ((at AT TIME ZONE interval '8 hours')::date) STORED,
    division text    COLLATE "C" NOT NULL CHECK (division ~ '^[0-9]{6}$'),
    reverses text    COLLATE "C" REFERENCES entries,
    -- The order in which the chain takes entries; a restore raises the epoch, for xids begin anew.
    epoch    integer NOT NULL,
    xid      xid8    NOT NULL DEFAULT pg_current_xact_id(),
    number   bigint  NOT NULL GENERATED ALWAYS AS IDENTITY
);
CREATE UNIQUE INDEX entries_order ON entries (epoch, xid, number);
CREATE UNIQUE INDEX entries_reversed_once ON entries (reverses) WHERE reverses IS NOT NULL;
COMMENT ON TABLE entries IS 'append-only: the ledger';

CREATE TABLE postings (
    entry_id   text     COLLATE "C" NOT NULL,
    line       smallint NOT NULL,
    account    text     COLLATE "C" NOT NULL,
    debit_fen  bigint   NOT NULL,
    credit_fen bigint   NOT NULL,
    CONSTRAINT postings_pkey PRIMARY KEY (entry_id, line),
    CONSTRAINT postings_one_side CHECK (
        least(debit_fen, credit_fen) = 0
        AND greatest(debit_fen, credit_fen) BETWEEN 1 AND 9007199254740991)
);
-- What is left of a hospital's prepayments is asked by account; nothing else is.
CREATE INDEX postings_prepaid ON postings (account) WHERE account LIKE 'hospital:%:prepaid';
COMMENT ON TABLE postings IS 'append-only: the sides of entries';

CREATE TABLE closed_months (
    month     text        COLLATE "C" NOT NULL CONSTRAINT closed_months_pkey PRIMARY KEY
              CHECK (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    closed_at timestamptz NOT NULL,
    closed_by text        NOT NULL
);
COMMENT ON TABLE closed_months IS 'append-only: months that take no entry any more';

-- The chain, written by the sealer alone: each entry's place and hash, then blocks of them.
CREATE TABLE sealed (
    seq      bigint NOT NULL CONSTRAINT sealed_pkey PRIMARY KEY,
    entry_id text   COLLATE "C" NOT NULL CONSTRAINT sealed_entry UNIQUE,
    sha256   bytea  NOT NULL
);
COMMENT ON TABLE sealed IS 'append-only: the order of the chain';

-- `entries` counts those up to here; epoch, xid and entry are the last one's place in the order.
CREATE TABLE blocks (
    number  bigint      NOT NULL CONSTRAINT blocks_pkey PRIMARY KEY,
    at      timestamptz NOT NULL,
    entries bigint      NOT NULL,
    sha256  bytea       NOT NULL,
    epoch   integer     NOT NULL,
    xid     xid8        NOT NULL,
    entry   bigint      NOT NULL
);
COMMENT ON TABLE blocks IS 'append-only: the chain';
INSERT INTO blocks VALUES (0, '1970-01-01Z', 0, decode(repeat('00', 32), 'hex'), 0, '0', 0);

-- Running sums of what is sealed, so that a balance reads a row per day and not per posting.
CREATE TABLE account_days (
    account    text    COLLATE "C" NOT NULL,
    day        date    NOT NULL,
    division   text    COLLATE "C" NOT NULL,
    debit_fen  numeric NOT NULL,
    credit_fen numeric NOT NULL,
    CONSTRAINT account_days_pkey PRIMARY KEY (account, day, division)
);

CREATE TABLE signing_keys (
    key_id      text        COLLATE "C" NOT NULL CONSTRAINT signing_keys_pkey PRIMARY KEY,
    public_key  bytea       NOT NULL,
    private_key bytea       NOT NULL,
    sealed      boolean     NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE signing_keys IS 'append-only: the keys that sign roots';

-- Both sides equal, at least two of them, and a reversal the mirror of what it reverses: asked when
-- the transaction commits, whoever wrote.
CREATE FUNCTION entry_is_sound() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sides integer;
    rest  numeric;
BEGIN
    SELECT count(*), coalesce(sum(debit_fen), 0) - coalesce(sum(credit_fen), 0) INTO sides, rest
    FROM settlement.postings WHERE entry_id = NEW.entry_id;
    IF sides < 2 OR rest <> 0 THEN
        RAISE EXCEPTION 'entry % does not balance: % postings, % fen', NEW.entry_id, sides, rest
            USING ERRCODE = 'JC001';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION entry_is_sound();
CREATE CONSTRAINT TRIGGER posting_balances AFTER INSERT ON postings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION entry_is_sound();

CREATE FUNCTION reversal_mirrors() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT account, debit_fen, credit_fen FROM settlement.postings WHERE entry_id = NEW.entry_id
               EXCEPT ALL
               SELECT account, credit_fen, debit_fen FROM settlement.postings WHERE entry_id = NEW.reverses)
       OR EXISTS (SELECT account, credit_fen, debit_fen FROM settlement.postings WHERE entry_id = NEW.reverses
                  EXCEPT ALL
                  SELECT account, debit_fen, credit_fen FROM settlement.postings WHERE entry_id = NEW.entry_id)
    THEN
        RAISE EXCEPTION 'entry % does not mirror %', NEW.entry_id, NEW.reverses USING ERRCODE = 'JC001';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER reversal_mirrors AFTER INSERT ON entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.reverses IS NOT NULL)
    EXECUTE FUNCTION reversal_mirrors();

-- A closed month takes nothing, on whatever road it comes. A writer holds its months shared, a close
-- holds its month alone (class 0x4A4A of shared/store/locks.py); what was committed while somebody
-- waited is seen by the next statement, but only under READ COMMITTED.
CREATE FUNCTION entries_are_in_time() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    dated  record;
    closed text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the ledger is written under READ COMMITTED' USING ERRCODE = 'JC003';
    END IF;
    FOR dated IN SELECT DISTINCT extract(year FROM day)::int * 12 + extract(month FROM day)::int AS month
                 FROM added ORDER BY month LOOP
        PERFORM pg_advisory_xact_lock_shared(19018, dated.month);
    END LOOP;
    SELECT min(to_char(a.day, 'YYYY-MM')) INTO closed FROM added a
    JOIN settlement.closed_months c ON c.month = to_char(a.day, 'YYYY-MM');
    IF closed IS NOT NULL THEN
        RAISE EXCEPTION 'the month % is closed', closed USING ERRCODE = 'JC002';
    END IF;
    IF EXISTS (SELECT FROM added a, settlement.log_head h
               WHERE a.xid <> pg_current_xact_id() OR a.epoch <> h.epoch) THEN
        RAISE EXCEPTION 'an entry stands under the transaction that wrote it' USING ERRCODE = 'JC003';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER entries_in_time AFTER INSERT ON entries
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION entries_are_in_time();

CREATE FUNCTION month_is_mine() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(19018, left(NEW.month, 4)::int * 12 + right(NEW.month, 2)::int);
    RETURN NEW;
END $$;
CREATE TRIGGER close_waits BEFORE INSERT ON closed_months
    FOR EACH ROW EXECUTE FUNCTION month_is_mine();

-- Nothing is added to an entry behind its transaction.
CREATE FUNCTION postings_join_their_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added a LEFT JOIN settlement.entries e ON e.entry_id = a.entry_id
               WHERE e.xid IS DISTINCT FROM pg_current_xact_id()) THEN
        RAISE EXCEPTION 'a posting is written with its entry' USING ERRCODE = 'JC003';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER postings_in_time AFTER INSERT ON postings
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION postings_join_their_entry();

-- Not even its owner changes a ledger by mistake.
CREATE FUNCTION nothing_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'JC003';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION nothing_changes();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON postings
    FOR EACH STATEMENT EXECUTE FUNCTION nothing_changes();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON closed_months
    FOR EACH STATEMENT EXECUTE FUNCTION nothing_changes();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sealed
    FOR EACH STATEMENT EXECUTE FUNCTION nothing_changes();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON blocks
    FOR EACH STATEMENT EXECUTE FUNCTION nothing_changes();
