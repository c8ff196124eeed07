-- One row per order line: its facts, whose it is, and what it counts for. Figures are sums of rows.
-- first_day..last_day is the span of its two due days, so one index per subject serves every rate
-- over any window. Later facts never change an indexed column (only a moved due does), so updates
-- stay on the page (HOT). A line is rewritten four to six times in its life: the spare room is for
-- them, and the table ends no larger than it would without it.
CREATE TABLE lines (
  order_id         text COLLATE "C" NOT NULL,
  line_id          text COLLATE "C" NOT NULL,
  revision         integer NOT NULL,
  response_day     date,
  delivery_day     date,
  first_day        date GENERATED ALWAYS AS (least(response_day, delivery_day)) STORED,
  last_day         date GENERATED ALWAYS AS (greatest(response_day, delivery_day)) STORED,
  back_entered     boolean,
  excused          boolean,
  answer_counted   boolean,
  accepted         boolean,
  answered         boolean,
  delivery_counted boolean,
  on_time          boolean,
  on_time_first    boolean,
  selected         boolean,
  ordered          bigint,
  dispatched       bigint,
  received         bigint,
  distributor_id   text COLLATE "C",
  manufacturer_id  text COLLATE "C",
  product_id       text COLLATE "C",
  hospital_id      text COLLATE "C",
  division         text COLLATE "C",
  level            text COLLATE "C",
  category         text COLLATE "C",
  batch_id         text COLLATE "C",
  facts            bytea NOT NULL,
  CONSTRAINT lines_pkey PRIMARY KEY (order_id, line_id)
) WITH (fillfactor = 60);

CREATE INDEX lines_distributor ON lines (distributor_id, last_day, first_day);
CREATE INDEX lines_manufacturer ON lines (manufacturer_id, last_day, first_day);
CREATE INDEX lines_product ON lines (product_id, last_day, first_day);
CREATE INDEX lines_days ON lines (last_day, first_day);

-- What response_orders_ytd counts of an order's selected lines. Whoever asks for a year by distributor
-- or in total reads these narrow rows; a question about products or makers reads the lines.
CREATE TABLE orders (
  order_id       text COLLATE "C" NOT NULL CONSTRAINT orders_pkey PRIMARY KEY,
  distributor_id text COLLATE "C" NOT NULL,
  division       text COLLATE "C" NOT NULL,
  level          text COLLATE "C",
  response_day   date NOT NULL,
  counted        boolean NOT NULL,
  whole          boolean NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX orders_distributor ON orders (distributor_id, response_day);
CREATE INDEX orders_day ON orders (response_day);

-- Names, and who is registered as what: a copy of what jicai.reference.v1 says.
CREATE TABLE registers (
  kind    text COLLATE "C" NOT NULL,
  id      text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  name    text,
  body    bytea NOT NULL,
  kinds   text[] NOT NULL,
  CONSTRAINT registers_pkey PRIMARY KEY (kind, id)
);

-- What a day close stood on: frozen once, a replay finds the same row.
CREATE TABLE day_closes (
  at                   timestamptz NOT NULL CONSTRAINT day_closes_pkey PRIMARY KEY,
  day                  date NOT NULL,
  window_from          date NOT NULL,
  lines                bigint NOT NULL,
  response_numerator   bigint NOT NULL,
  response_denominator bigint NOT NULL,
  on_time_numerator    bigint NOT NULL,
  on_time_denominator  bigint NOT NULL
);
