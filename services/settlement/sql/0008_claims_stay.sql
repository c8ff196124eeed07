-- A claimed line stays in its statement as it was drafted: else it could be claimed, and paid, again.
-- A dispute marks and frees it; a draft may let go what it has not yet made a statement of.

CREATE TRIGGER as_drafted BEFORE UPDATE OF statement, line, order_id, receipt_id, order_line_id, return_id,
        product_id, manufacturer_id, batch_id, quantity, unit_price, amount_fen ON statement_lines
    FOR EACH STATEMENT EXECUTE FUNCTION nothing_changes();

CREATE FUNCTION claims_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM gone g JOIN settlement.statements s ON s.number = g.statement) THEN
        RAISE EXCEPTION 'a line stays in its statement' USING ERRCODE = 'JC003';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER claims_stay AFTER DELETE ON statement_lines
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION claims_stay();

CREATE FUNCTION statement_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a statement stays' USING ERRCODE = 'JC003';
END $$;
CREATE TRIGGER statements_stay BEFORE DELETE OR TRUNCATE ON statements
    FOR EACH STATEMENT EXECUTE FUNCTION statement_stays();
CREATE TRIGGER claims_are_not_emptied BEFORE TRUNCATE ON statement_lines
    FOR EACH STATEMENT EXECUTE FUNCTION nothing_changes();
