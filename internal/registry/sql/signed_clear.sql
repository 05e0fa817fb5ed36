-- the whole table
DELETE FROM registry_signed
