-- continuity_epoch: derived. Which leaf opened each epoch.
CREATE TABLE continuity_epoch (
  epoch BIGINT NOT NULL PRIMARY KEY,
  leaf  BIGINT NOT NULL
);
