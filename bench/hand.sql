-- The hand-written rebuild: every outcome column of a line by one statement over typed columns.
-- $staging below is filled outside the measured stretch, straight from the facts' JSON.

-- name: stage
CREATE SCHEMA hand;
CREATE TABLE hand.facts AS
  SELECT version, type, convert_from(fact, 'UTF8')::jsonb AS f FROM orders.events
  WHERE type LIKE 'jicai.order.%' OR type LIKE 'jicai.delivery.%';
CREATE TABLE hand.line AS
  SELECT f->>'order_id' AS order_id, l->>'line_id' AS line_id,
         (f->>'answer_due')::timestamptz AS answer_due,
         (l->>'delivery_due')::timestamptz AS delivery_due,
         (l->>'quantity_e4')::bigint AS quantity,
         coalesce((f->>'back_entered')::boolean, false) AS back_entered,
         l ? 'agreement_id' AS has_agreement,
         l->>'supplier_role' <> 'none' AS selected, f->>'distributor_id' AS distributor_id,
         l->>'manufacturer_id' AS manufacturer_id, l->>'product_id' AS product_id,
         f->>'hospital_id' AS hospital_id, f->>'division' AS division, f->>'level' AS level,
         l->>'category' AS category, l->>'batch_id' AS batch_id
  FROM hand.facts, jsonb_array_elements(f->'lines') AS l WHERE type = 'jicai.order.placed.v1';
CREATE TABLE hand.answer AS
  SELECT f->>'order_id' AS order_id, l->>'line_id' AS line_id, version,
         (f->>'at')::timestamptz AS at, l->>'answer' = 'accepted' AS accepted,
         l->>'reason_code' AS reason,
         coalesce((l->>'listing_suspended')::boolean, false) AS suspended
  FROM hand.facts, jsonb_array_elements(f->'lines') AS l WHERE type = 'jicai.order.answered.v1';
CREATE TABLE hand.cancel AS
  SELECT f->>'order_id' AS order_id, line_id, version, (f->>'at')::timestamptz AS at
  FROM hand.facts, jsonb_array_elements_text(f->'line_ids') AS line_id
  WHERE type = 'jicai.order.cancelled.v1';
CREATE TABLE hand.step AS
  SELECT f->>'order_id' AS order_id, l->>'line_id' AS line_id, f->>'delivery_id' AS delivery_id,
         version, (f->>'arrival')::timestamptz AS arrival,
         coalesce((l->>'dispatched_e4')::bigint, 0) AS dispatched,
         coalesce((l->>'arrives_e4')::bigint, 0) AS arrives,
         coalesce((l->>'accepted_e4')::bigint, 0) AS accepted
  FROM hand.facts, jsonb_array_elements(f->'totals') AS l WHERE type LIKE 'jicai.delivery.%';
DROP TABLE hand.facts;
CREATE TABLE hand.lines (LIKE alerts.lines INCLUDING ALL);
CREATE TABLE hand.orders (LIKE alerts.orders INCLUDING ALL);
ANALYZE hand.line, hand.answer, hand.cancel, hand.step;

-- name: rebuild
WITH answer AS (
  SELECT DISTINCT ON (order_id, line_id) * FROM hand.answer ORDER BY order_id, line_id, version),
cancel AS (
  SELECT DISTINCT ON (order_id, line_id) order_id, line_id, at AS cancelled_at
  FROM hand.cancel ORDER BY order_id, line_id, version),
standing AS (
  SELECT DISTINCT ON (order_id, line_id, delivery_id) * FROM hand.step
  ORDER BY order_id, line_id, delivery_id, version DESC),
shipped AS (
  SELECT order_id, line_id, sum(arrives) FILTER (WHERE arrival <= delivery_due) AS arrived,
         sum(dispatched) AS dispatched, sum(standing.accepted) AS received
  FROM standing JOIN hand.line USING (order_id, line_id) GROUP BY 1, 2),
known AS (
  SELECT l.*, a.at <= answer_due AS in_time, a.accepted, a.order_id IS NULL AS unanswered,
         c.cancelled_at, s.arrived, s.dispatched, s.received,
         coalesce(NOT a.accepted AND a.at <= answer_due AND CASE a.reason
           WHEN 'product_suspended' THEN a.suspended
           WHEN 'no_agreement' THEN NOT has_agreement
           WHEN 'wrong_product' THEN c.cancelled_at IS NOT NULL
           WHEN 'hospital_request' THEN c.cancelled_at IS NOT NULL END, false) AS excused
  FROM hand.line l LEFT JOIN answer a USING (order_id, line_id)
    LEFT JOIN cancel c USING (order_id, line_id) LEFT JOIN shipped s USING (order_id, line_id)),
counted AS (
  SELECT *, NOT (back_entered OR excused)
              AND NOT (unanswered AND coalesce(cancelled_at <= answer_due, false)) AS a_counted,
         NOT (back_entered OR excused) AND NOT coalesce(cancelled_at <= delivery_due, false)
           AS d_counted
  FROM known)
INSERT INTO hand.lines (order_id, line_id, revision, response_day, delivery_day, back_entered,
  excused, answer_counted, accepted, answered, delivery_counted, on_time, on_time_first, ordered,
  dispatched, received, selected, distributor_id, manufacturer_id, product_id, hospital_id,
  division, level, category, batch_id, facts)
SELECT order_id, line_id, 1,
       ((answer_due - interval '1 microsecond') AT TIME ZONE 'Asia/Shanghai')::date,
       ((delivery_due - interval '1 microsecond') AT TIME ZONE 'Asia/Shanghai')::date,
       back_entered, excused, a_counted, a_counted AND coalesce(in_time AND accepted, false),
       a_counted AND coalesce(in_time, false), d_counted,
       d_counted AND coalesce(arrived, 0) >= quantity, d_counted AND coalesce(arrived, 0) > 0,
       CASE WHEN d_counted THEN quantity ELSE 0 END,
       CASE WHEN d_counted THEN least(quantity, coalesce(dispatched, 0)) ELSE 0 END,
       CASE WHEN d_counted THEN least(quantity, coalesce(received, 0)) ELSE 0 END,
       selected, distributor_id, manufacturer_id, product_id, hospital_id, division, level,
       category, batch_id, ''
FROM counted;
INSERT INTO hand.orders (order_id, distributor_id, division, level, response_day, counted, whole)
SELECT order_id, distributor_id, division, level, response_day, bool_or(answer_counted),
       coalesce(bool_and(answered) FILTER (WHERE answer_counted), false)
FROM hand.lines WHERE selected GROUP BY 1, 2, 3, 4, 5;

-- name: differences
SELECT (SELECT count(*) FROM (SELECT {columns} FROM alerts.lines EXCEPT SELECT {columns} FROM hand.lines) a)
     + (SELECT count(*) FROM (SELECT {columns} FROM hand.lines EXCEPT SELECT {columns} FROM alerts.lines) b)
     + (SELECT count(*) FROM (TABLE alerts.orders EXCEPT TABLE hand.orders) c)
     + (SELECT count(*) FROM (TABLE hand.orders EXCEPT TABLE alerts.orders) d)
     + abs((SELECT count(*) FROM alerts.lines) - (SELECT count(*) FROM hand.lines));

-- name: sums
SELECT format('%s lines, %s answered of %s, %s on time of %s, %s received of %s', count(*),
  count(*) FILTER (WHERE answered), count(*) FILTER (WHERE answer_counted),
  count(*) FILTER (WHERE on_time), count(*) FILTER (WHERE delivery_counted),
  (sum(received) / 10000)::bigint, (sum(ordered) / 10000)::bigint) FROM hand.lines;
