-- one row by authority_contact_subject
UPDATE authority_contact SET newest = 1 WHERE leaf = (SELECT MAX(leaf) FROM authority_contact WHERE subject = ?)
