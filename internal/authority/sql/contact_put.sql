-- one row by primary key
INSERT INTO authority_contact (leaf, subject, contacts, made, newest) VALUES (?, ?, ?, ?, 1)
