-- registry_block_year: one row
UPDATE registry_block SET closed = ? WHERE year = ? AND first = ? AND last = ?
