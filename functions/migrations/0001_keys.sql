-- Who may call, and what they used. Times are seconds since 1970.
CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  -- SHA-256 of the whole key, lower-case hex: the key itself is shown once and kept nowhere.
  hash TEXT NOT NULL CHECK (length(hash) = 64),
  name TEXT NOT NULL,
  -- JSON lists; "*" stands for all.
  routes TEXT NOT NULL,
  models TEXT NOT NULL,
  -- NULL: no quota.
  images_per_month INTEGER CHECK (images_per_month >= 0),
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
) STRICT;

-- Pictures answered, by key and month (UTC, YYYY-MM).
CREATE TABLE usage (
  key_id TEXT NOT NULL REFERENCES keys (id),
  month TEXT NOT NULL,
  images INTEGER NOT NULL CHECK (images >= 0),
  PRIMARY KEY (key_id, month)
) STRICT, WITHOUT ROWID;

-- Client tokens that still live: what each may yet ask for.
CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  key_id TEXT NOT NULL REFERENCES keys (id),
  images_left INTEGER NOT NULL CHECK (images_left >= 0),
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tokens_by_expiry ON tokens (expires_at);
