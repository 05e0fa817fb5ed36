-- every row
DELETE FROM authority_contact
