-- The whole table, which is small; it runs when a person is erased.
UPDATE draft_template SET usr = '' WHERE usr = ?
