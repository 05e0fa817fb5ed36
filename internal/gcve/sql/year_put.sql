-- one row by primary key
INSERT INTO gcve_year (year, top) VALUES (?, ?) ON CONFLICT (year) DO UPDATE SET top = excluded.top
