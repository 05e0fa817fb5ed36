-- by primary key: one row
INSERT INTO registry_holding (org, reserved) VALUES (?, ?) ON CONFLICT (org) DO UPDATE SET reserved = registry_holding.reserved + excluded.reserved
