-- a scan of the audit trail; rare
DELETE FROM authority_audit WHERE instr(caller, ?) > 0 OR instr(reason, ?) > 0 OR instr(reason, ?) > 0
