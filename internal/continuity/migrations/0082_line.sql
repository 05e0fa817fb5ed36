-- continuity_line: operational. Cosignatures of mirrors that a node took in while another node of the store signs, for that one to count. Those of sizes that
-- are published go.
CREATE TABLE continuity_line (
  origin TEXT   NOT NULL,
  size   BIGINT NOT NULL,
  mirror TEXT   NOT NULL, -- verifier key
  note   BYTEA  NOT NULL, -- the checkpoint's text and this mirror's line
  PRIMARY KEY (origin, mirror, size)
);
