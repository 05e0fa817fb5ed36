-- Primary key's prefix; at most MaxTemplates rows.
SELECT name, usr, at FROM draft_template WHERE org = ? ORDER BY name
