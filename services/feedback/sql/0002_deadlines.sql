-- Deadlines run: what a change of the calendar must look at, what waits for whom, and what a fact
-- of a ticket says of its hospital and its product.

ALTER TABLE streams ADD COLUMN last_due timestamptz;

-- The latest of a ticket's running deadlines that count days: a year loaded moves no other.
CREATE INDEX streams_last_due ON streams (last_due) WHERE last_due IS NOT NULL;
-- What waits for a bureau; a closed ticket waits for nobody.
CREATE INDEX streams_bureau ON streams (bureau, stream)
    WHERE ticket_state IN ('open', 'promised', 'solved');

ALTER TABLE registers
    ADD COLUMN level    text,
    ADD COLUMN category text;
