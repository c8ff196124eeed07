-- The head of a log moves forward only, whoever moves it: behind an older epoch, mark or world stand
-- cursors and decisions that would be taken for new. A restore raises the epoch.
CREATE FUNCTION head_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.epoch < OLD.epoch OR NEW.world < OLD.world OR NEW.last_mark < OLD.last_mark
       OR (NEW.last_mark IS NULL AND OLD.last_mark IS NOT NULL) THEN
        RAISE EXCEPTION 'the head of a log moves forward only' USING ERRCODE = 'JC003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER forward_only BEFORE UPDATE ON log_head
    FOR EACH ROW EXECUTE FUNCTION head_moves_forward();
