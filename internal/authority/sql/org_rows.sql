-- every row
SELECT id, n, leaf, short, name, profile, adopted, attest, created, modified FROM authority_org
