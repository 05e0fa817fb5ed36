-- Whoever asked for identifiers, and whoever put records, finds what they did, newest first.
CREATE INDEX registry_requester_person ON registry_requester (person, leaf);
CREATE INDEX registry_put_org ON registry_put (org, leaf);
