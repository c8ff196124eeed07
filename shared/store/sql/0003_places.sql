-- Where a consumer stands in words of the log it reads, whatever bus carried it there: the furthest
-- place (epoch:xid:position) of what was taken. A rebuild and a restore ask for it.
ALTER TABLE checkpoints ADD COLUMN place text NOT NULL DEFAULT '';
