-- A month settled by hand: what a competent person writes who needs lines, statements and a ledger,
-- and no facts, no log, no locks between processes and no confirmations.

-- name: prepare
SET work_mem = '512MB';
-- The planner does not know the temporary table well enough: a merge would sort all lines twice.
SET enable_mergejoin = off;
CREATE TEMP TABLE pairs (
    hospital_id text COLLATE "C",
    payee_id    text COLLATE "C",
    pool        text COLLATE "C",
    number      bigint
) ON COMMIT DELETE ROWS;

-- name: number_pairs
INSERT INTO pairs
SELECT hospital_id, payee_id, min(pool), nextval('statement_numbers')
FROM (SELECT DISTINCT hospital_id, payee_id, pool FROM receipt_lines
      WHERE outcome = 'matched' AND changed_at >= $1 AND occurred_at < $2
      UNION
      SELECT DISTINCT hospital_id, payee_id, pool FROM return_lines
      WHERE is_free AND occurred_at < $2) AS found
GROUP BY hospital_id, payee_id ORDER BY hospital_id, payee_id

-- name: claim_receipts
-- What is in a statement is left out beforehand: that costs less than to meet its key. The key stands
-- guard all the same. In its order, for then neighbours in the index are written together.
INSERT INTO statement_lines (statement, order_id, receipt_id, order_line_id, product_id,
  manufacturer_id, batch_id, quantity, unit_price, amount_fen)
SELECT p.number, r.order_id, r.receipt_id, r.order_line_id, r.product_id, r.manufacturer_id,
  r.batch_id, r.accepted, r.sale_price, r.amount_fen
FROM receipt_lines r JOIN pairs p USING (hospital_id, payee_id)
WHERE r.outcome = 'matched' AND r.changed_at >= $1 AND r.occurred_at < $2
  AND NOT EXISTS (
    SELECT FROM statement_lines s
    WHERE s.order_id = r.order_id AND s.receipt_id = r.receipt_id
      AND s.order_line_id = r.order_line_id AND s.return_id = '' AND s.freed_at IS NULL)
ORDER BY r.order_id, r.receipt_id, r.order_line_id

-- name: claim_returns
WITH claimed AS (
  INSERT INTO statement_lines (statement, order_id, receipt_id, order_line_id, return_id, product_id,
    manufacturer_id, batch_id, quantity, unit_price, amount_fen)
  SELECT p.number, r.order_id, r.receipt_id, r.order_line_id, r.return_id, s.product_id,
    s.manufacturer_id, s.batch_id, r.quantity, s.unit_price,
    -div(r.quantity::numeric * s.unit_price + 500000, 1000000)
  FROM return_lines r
  JOIN pairs p USING (hospital_id, payee_id)
  JOIN statement_lines s ON s.order_id = r.order_id AND s.receipt_id = r.receipt_id
    AND s.order_line_id = r.order_line_id AND s.return_id = '' AND s.freed_at IS NULL
  WHERE r.is_free AND r.occurred_at < $1 AND NOT s.is_disputed
  ORDER BY r.order_id, r.receipt_id, r.order_line_id, r.return_id
  RETURNING order_id, return_id, order_line_id
)
UPDATE return_lines r SET is_free = false FROM claimed c
WHERE r.order_id = c.order_id AND r.return_id = c.return_id AND r.order_line_id = c.order_line_id

-- name: write_statements
INSERT INTO statements (statement_id, number, hospital_id, payee_id, month, pool, state, drafted_at,
  began_at, due_at, receipts_fen, returns_fen, carried_fen, is_second, is_apart, in_held)
SELECT $1 || '-' || hospital_id || '-' || payee_id, number, hospital_id, payee_id, $1, pool, 'draft',
  $2, $2, $3, receipts_fen, returns_fen, 0, false, false, false
FROM pairs JOIN (
  SELECT statement AS number, coalesce(sum(amount_fen) FILTER (WHERE return_id = ''), 0) AS receipts_fen,
    coalesce(sum(amount_fen) FILTER (WHERE return_id <> ''), 0) AS returns_fen
  FROM statement_lines WHERE statement >= (SELECT min(number) FROM pairs) GROUP BY statement
) AS summed USING (number)
ORDER BY number

-- name: approve
WITH approved AS (
  UPDATE statements SET state = 'approved', began_at = $2, due_at = NULL
  WHERE month = $1 AND state = 'draft' AND total_fen > 0
  RETURNING statement_id, hospital_id
)
INSERT INTO entries (entry_id, key, at, division, epoch)
SELECT left(encode(sha256(convert_to('approval-' || statement_id, 'UTF8')), 'hex'), 32),
  'approval-' || statement_id, $2, substr(hospital_id, 2, 6), h.epoch
FROM approved, log_head h ORDER BY statement_id

-- name: post
INSERT INTO postings (entry_id, line, account, debit_fen, credit_fen)
SELECT e.entry_id, side.line, side.account, side.debit_fen, side.credit_fen
FROM statements s
JOIN entries e ON e.key = 'approval-' || s.statement_id
CROSS JOIN LATERAL (VALUES
  (1, 'hospital:' || s.hospital_id || ':goods_receivable', s.total_fen, 0),
  (2, 'enterprise:' || s.payee_id || ':payable', 0, s.total_fen)
) AS side (line, account, debit_fen, credit_fen)
WHERE s.month = $1 AND s.state = 'approved'
ORDER BY s.statement_id, side.line
