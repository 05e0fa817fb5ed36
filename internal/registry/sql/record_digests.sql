-- the whole table: what an import asks of each of its documents, once for all
SELECT sha256 FROM registry_record
