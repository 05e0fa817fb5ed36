-- by primary key: one row
INSERT INTO registry_range (year, opened, last, priority, general) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (year) DO UPDATE SET opened = excluded.opened, last = excluded.last, priority = excluded.priority, general = excluded.general
