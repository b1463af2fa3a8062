-- The ledger is append-only: a wrong entry is put right by another entry, never by changing or deleting it.
CREATE OR REPLACE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'restrict_violation';
END;
$$;

CREATE OR REPLACE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON plans_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();
