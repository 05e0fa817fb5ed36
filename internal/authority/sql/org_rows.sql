-- every row
SELECT id, n, leaf, short, name, profile, adopted, created, modified FROM authority_org
