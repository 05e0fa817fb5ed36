-- index: primary keys of ledger_private and ledger_leaf; 0 or 1 row
SELECT p.salt, p.body, l.leaf FROM ledger_private p JOIN ledger_leaf l ON l.idx = p.idx WHERE p.idx = ?
