-- index: primary keys; rows beside leaves that do not exist, normally none
SELECT 'body', idx FROM ledger_body WHERE idx < 0 OR idx >= ?
UNION ALL SELECT 'private', idx FROM ledger_private WHERE idx < 0 OR idx >= ?
UNION ALL SELECT 'leaf', idx FROM ledger_leaf WHERE idx < 0 OR idx >= ?
UNION ALL SELECT 'escrow', idx FROM ledger_escrow WHERE idx < 0 OR idx >= ?
