-- a few rows by authority_contact_subject, oldest first
SELECT leaf, contacts, newest FROM authority_contact WHERE subject = ? ORDER BY leaf
