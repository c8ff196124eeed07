-- When the last transaction that wrote a stream was: where a clock steps back, its facts do not.
ALTER TABLE streams ADD COLUMN touched_at timestamptz;
