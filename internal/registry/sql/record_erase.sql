-- the whole table: base has no index, and bodies are seldom erased. One row at most
UPDATE registry_record SET assigner = '', sha256 = ? WHERE base = ?
