-- at most one row by authority_contact_subject
SELECT contacts FROM authority_contact WHERE subject = ? AND newest = 1
