-- derived, as the tables they widen: when an identifier was reserved elsewhere, for those that were pulled from another server
-- (Unix milliseconds; 0: it was reserved here). What the public leaf says stands beside it, for the fact may be erased.
ALTER TABLE registry_requester ADD COLUMN reserved BIGINT NOT NULL DEFAULT 0;
ALTER TABLE registry_id ADD COLUMN given BIGINT NOT NULL DEFAULT 0;
UPDATE registry_id SET given = reserved;
