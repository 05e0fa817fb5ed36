-- every row is looked at; there are as many as people at work
DELETE FROM authority_session WHERE seen <= ? OR began <= ?
