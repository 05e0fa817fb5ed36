-- the whole table: base has no index, and bodies are seldom erased. One row at most
SELECT id FROM registry_record WHERE base = ?
