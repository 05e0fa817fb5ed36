-- every grant, ended ones too: some hundreds
SELECT id, leaf, org, role, parent, valid_from, valid_to, pack, body, given, ended, reason FROM authority_grant ORDER BY leaf
