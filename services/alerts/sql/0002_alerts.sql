-- Alerts and late-response lists: what their stream rows show to lists, and what closes need.

ALTER TABLE streams
  ADD COLUMN rule           text COLLATE "C",
  ADD COLUMN subject        text COLLATE "C",
  ADD COLUMN subject_id     text COLLATE "C",
  ADD COLUMN raised_at      timestamptz,
  ADD COLUMN cleared_at     timestamptz,
  ADD COLUMN divisions      text,
  ADD COLUMN day            date,
  ADD COLUMN distributor_id text COLLATE "C",
  ADD COLUMN bureau         text COLLATE "C",
  ADD COLUMN hospitals      text;

-- A close asks for what is not cleared yet; a list of open alerts does too.
CREATE INDEX streams_cleared ON streams (cleared_at) WHERE rule IS NOT NULL;
CREATE INDEX streams_subject ON streams (subject_id, stream) WHERE rule IS NOT NULL;
CREATE INDEX streams_day ON streams (day, stream) WHERE day IS NOT NULL;
CREATE INDEX streams_distributor ON streams (distributor_id, stream) WHERE day IS NOT NULL;

-- The lines that wait for a word of their distributor. A table of its own: a column of `lines` in an
-- index would cost every answer an entry in each of that table's indexes. It is as short as what is
-- unanswered, so it needs no order of its own.
CREATE TABLE waiting (
  order_id   text COLLATE "C" NOT NULL,
  line_id    text COLLATE "C" NOT NULL,
  expires_at timestamptz      NOT NULL,
  CONSTRAINT waiting_pkey PRIMARY KEY (order_id, line_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- When a line was listed first: `again` from then on, and off once it is void. Not rebuilt from
-- others' facts: it says what our own lists said.
CREATE TABLE listed (
  order_id text COLLATE "C" NOT NULL,
  line_id  text COLLATE "C" NOT NULL,
  first_at timestamptz      NOT NULL,
  CONSTRAINT listed_pkey PRIMARY KEY (order_id, line_id)
);

-- Figures below a threshold on too few lines to alert, as each day close found them.
CREATE TABLE small_samples (
  day         date   NOT NULL,
  rule        text   COLLATE "C" NOT NULL,
  subject     text   COLLATE "C" NOT NULL,
  subject_id  text   COLLATE "C" NOT NULL,
  numerator   bigint NOT NULL,
  denominator bigint NOT NULL,
  threshold   integer NOT NULL,
  divisions   text   NOT NULL,
  CONSTRAINT small_samples_pkey PRIMARY KEY (day, rule, subject, subject_id)
);

-- Rows written before know neither when their order was sent nor whether they wait: read the logs
-- again. The closes that are done stay done, so nothing is alerted twice.
DELETE FROM lines;
DELETE FROM orders;
UPDATE checkpoints SET cursor = '';
