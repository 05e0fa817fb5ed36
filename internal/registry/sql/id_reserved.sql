-- every identifier in state RESERVED: a scan of registry_id, once per import
SELECT id FROM registry_id WHERE state = 'RESERVED' AND owner <> ''
