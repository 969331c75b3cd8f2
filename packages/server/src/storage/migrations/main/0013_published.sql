-- Secrets of which something is published. It only finds them for a stranger, who so learns nothing of the others; the sealed body of the secret
-- decides, and has what is published.
CREATE TABLE published_secret (
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (account_id, region, name)
);
