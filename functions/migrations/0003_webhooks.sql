-- Hosts that a key may have fetched and called back, as a JSON list; NULL for all that are public.
ALTER TABLE keys ADD COLUMN url_hosts TEXT;

-- What callbacks are signed with. Times are seconds since 1970.
CREATE TABLE webhook_secrets (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('hmac', 'ed25519')),
  -- AES-256-GCM with a key derived from WEBHOOK_SECRET, base64.
  sealed TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  -- NULL until it is rotated or revoked.
  expires_at INTEGER
) STRICT;

CREATE INDEX webhook_secrets_by_owner ON webhook_secrets (owner, created_at);

-- Who may post to /hooks/{name}, and what is made of it.
CREATE TABLE hook_sources (
  name TEXT PRIMARY KEY,
  -- Whose jobs they become.
  owner TEXT NOT NULL,
  scheme TEXT NOT NULL CHECK (scheme IN ('standard', 'github', 'stripe')),
  sealed TEXT NOT NULL,
  -- JSON: the model, the mapping, top_k and callback_url.
  orders TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- Events that were taken: each becomes one job, however often it is sent.
CREATE TABLE hook_events (
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  -- NULL while it is being queued; empty where it holds nothing to do.
  job TEXT,
  claimed_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (source, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX hook_events_by_expiry ON hook_events (expires_at);
