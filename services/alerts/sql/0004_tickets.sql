-- Tickets: one row each, as lines have one, for `feedback.v1` and for tickets that crowd on a product.

-- What a fact of a ticket names stands on every one of them; what only its opening says is missing
-- until that has come. `since` as in lines.
CREATE TABLE tickets (
  ticket_id   text COLLATE "C" NOT NULL CONSTRAINT tickets_pkey PRIMARY KEY,
  revision    integer NOT NULL,
  since       integer NOT NULL,
  due_day     date,
  solved      boolean,
  opened_at   timestamptz,
  opened_on   date,
  complaint   text COLLATE "C",
  product_id  text COLLATE "C" NOT NULL,
  hospital_id text COLLATE "C" NOT NULL,
  division    text COLLATE "C" NOT NULL,
  level       text COLLATE "C",
  category    text COLLATE "C",
  addressees  text[] COLLATE "C" NOT NULL,
  facts       bytea NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX tickets_due ON tickets (due_day);
CREATE INDEX tickets_product ON tickets (product_id, due_day);
CREATE INDEX tickets_addressees ON tickets USING gin (addressees);
CREATE INDEX tickets_opened ON tickets (product_id, opened_on);
CREATE INDEX tickets_opened_on ON tickets (opened_on);
CREATE INDEX tickets_since ON tickets USING brin (since) WITH (pages_per_range = 16, autosummarize = on);

-- Rows as they stood for the publications since+1 .. until.
CREATE TABLE past_tickets (
  LIKE tickets,
  until integer NOT NULL,
  CONSTRAINT past_tickets_pkey PRIMARY KEY (ticket_id, since),
  CONSTRAINT past_tickets_span CHECK (since < until)
);

CREATE INDEX past_tickets_due ON past_tickets (due_day);
CREATE INDEX past_tickets_product ON past_tickets (product_id, due_day);
CREATE INDEX past_tickets_addressees ON past_tickets USING gin (addressees);

-- The tickets that an alert was raised on: they add up to its figure, whatever is heard later. Not
-- rebuilt from others' facts: it says what our own alert stood on.
CREATE TABLE alert_tickets (
  alert_id  text COLLATE "C" NOT NULL,
  ticket_id text COLLATE "C" NOT NULL,
  CONSTRAINT alert_tickets_pkey PRIMARY KEY (alert_id, ticket_id)
);

-- The log of feedback was read before for its calendar alone: its tickets are read from the beginning.
-- Days that are closed stay closed, so nothing is alerted for them.
UPDATE checkpoints SET cursor = '' WHERE partition = 'feedback';
