-- catalogue_past_id: none, unless the new version is older by the source's clock than one before it
UPDATE catalogue_past SET thru = ? WHERE id = ? AND thru > ?
