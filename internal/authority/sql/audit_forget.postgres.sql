-- a scan of the audit trail; rare. PostgreSQL calls instr strpos.
DELETE FROM authority_audit WHERE strpos(caller, ?) > 0 OR strpos(reason, ?) > 0 OR strpos(reason, ?) > 0
