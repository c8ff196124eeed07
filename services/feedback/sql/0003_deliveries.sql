-- What tells whether an order has arrived: a copy of what jicai.orders.v1 and jicai.deliveries.v1 say.
-- Each row is whole, so a fact is written without reading, in any order and by any number of owners:
-- an order is placed once, a line ends once, of a delivery the highest version stands.
-- An order of five lines, delivered once, takes about 700 bytes here with its indexes, a fifth of
-- what its facts alone take in the log of orders: 35 MB a day for a province of 250,000 lines. Nothing
-- bounds it but the province: as with that log, nothing is taken out, for a ticket may name any order.
CREATE TABLE placed_orders (
    order_id       text  COLLATE "C" NOT NULL CONSTRAINT placed_orders_pkey PRIMARY KEY,
    hospital_id    text  COLLATE "C" NOT NULL,
    distributor_id text  COLLATE "C" NOT NULL,
    lines          bytea NOT NULL
);

-- Lines that nobody waits for any more: withdrawn by their hospital, or void by themselves.
CREATE TABLE ended_lines (
    order_id     text    COLLATE "C" NOT NULL,
    line_id      text    COLLATE "C" NOT NULL,
    is_cancelled boolean NOT NULL,
    CONSTRAINT ended_lines_pkey PRIMARY KEY (order_id, line_id)
);

-- Deliveries that have arrived, as their last fact leaves them. A receipt rewrites the row of its
-- arrival, once: half of each page is kept for that, so the row stays on it (HOT) and the table ends
-- no larger than it would without.
CREATE TABLE arrivals (
    order_id    text        COLLATE "C" NOT NULL,
    delivery_id text        COLLATE "C" NOT NULL,
    version     integer     NOT NULL,
    arrived_at  timestamptz NOT NULL,
    lines       bytea       NOT NULL,
    CONSTRAINT arrivals_pkey PRIMARY KEY (order_id, delivery_id)
) WITH (fillfactor = 50);

-- On the log bus the orders' log has been read for its registers alone: it is read again from its
-- beginning, which the registers do not mind. On a broker the topics are new to us.
UPDATE checkpoints SET cursor = '' WHERE group_name = 'feedback' AND partition = 'orders';
