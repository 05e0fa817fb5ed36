-- one row
INSERT INTO registry_import (leaf, source, digest, sample, counts, time) VALUES (?, ?, ?, ?, ?, ?)
