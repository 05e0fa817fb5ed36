-- at most one row by authority_contact_subject
UPDATE authority_contact SET newest = 0 WHERE subject = ? AND newest = 1
