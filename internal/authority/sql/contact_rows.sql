-- every row
SELECT leaf, subject, contacts, made, newest FROM authority_contact
