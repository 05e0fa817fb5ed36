-- every state that a username of an organisation was in: by authority_user, a scan; rare
SELECT subject FROM authority_user WHERE org = ? AND username = ? ORDER BY leaf DESC LIMIT 1
