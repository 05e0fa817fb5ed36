-- Primary key; a dozen rows.
SELECT name, next_at, lease_owner, lease_until, last_start, last_end, last_node, last_error, last_note, failures
FROM job ORDER BY name
