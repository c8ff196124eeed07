-- Publications: what stood when one was issued can be read for ever, and issuing copies no row.

-- How many publications there were when the row was last written. One that is rewritten after a
-- further publication is first kept in past_lines. The index is BRIN, so that updates stay HOT.
ALTER TABLE lines ADD COLUMN since integer NOT NULL DEFAULT 0;
CREATE INDEX lines_since ON lines USING brin (since) WITH (pages_per_range = 16, autosummarize = on);

-- Rows as they stood for the publications since+1 .. until.
CREATE TABLE past_lines (
  LIKE lines INCLUDING GENERATED,
  until integer NOT NULL,
  CONSTRAINT past_lines_pkey PRIMARY KEY (order_id, line_id, since),
  CONSTRAINT past_lines_span CHECK (since < until)
);

CREATE INDEX past_lines_distributor ON past_lines (distributor_id, last_day, first_day);
CREATE INDEX past_lines_manufacturer ON past_lines (manufacturer_id, last_day, first_day);
CREATE INDEX past_lines_product ON past_lines (product_id, last_day, first_day);
CREATE INDEX past_lines_days ON past_lines (last_day, first_day);

-- A run of scorecards that stands for ever. Its roots come after it: until then it is being prepared.
CREATE TABLE publications (
  number           integer NOT NULL CONSTRAINT publications_pkey PRIMARY KEY,
  publication_id   text COLLATE "C" NOT NULL CONSTRAINT publications_id UNIQUE,
  window_name      text NOT NULL,
  as_of            date NOT NULL,
  first_day        date NOT NULL,
  last_day         date NOT NULL,
  known_at         timestamptz NOT NULL,
  policy_version   text NOT NULL,
  calendar_version text NOT NULL,
  score_terms      bytea NOT NULL,
  issued_by        text NOT NULL,
  root             text,
  evidence_root    text,
  CONSTRAINT publications_roots CHECK ((root IS NULL) = (evidence_root IS NULL))
);

-- Who was registered as what, and under which name, when a publication was issued.
CREATE TABLE published_names (
  number integer NOT NULL CONSTRAINT published_names_of REFERENCES publications,
  kind   text COLLATE "C" NOT NULL,
  id     text COLLATE "C" NOT NULL,
  name   text,
  kinds  text[] NOT NULL,
  CONSTRAINT published_names_pkey PRIMARY KEY (number, kind, id)
);
