-- Work that is done later, and what is told of it. Times are milliseconds since 1970.
-- queued -> running -> succeeded | partial | failed; queued, running -> cancelled; running -> queued, to be gone on with.
CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'partial', 'failed', 'cancelled')),
  model TEXT NOT NULL,
  top_k INTEGER,
  callback_url TEXT,
  -- JSON, as it was given.
  metadata TEXT,
  -- Where the caller reached this service; NULL where nobody said.
  origin TEXT,
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  due_at INTEGER NOT NULL,
  -- When its last wake-up was sent.
  woken_at INTEGER NOT NULL,
  -- Who works on it, and until when nobody else may.
  lease TEXT,
  leased_until INTEGER NOT NULL DEFAULT 0,
  -- Leases taken since a picture was last written.
  attempts INTEGER NOT NULL DEFAULT 0,
  CHECK ((ended_at IS NULL) = (state IN ('queued', 'running'))),
  CHECK ((lease IS NOT NULL) = (state = 'running'))
) STRICT;

CREATE INDEX jobs_by_owner ON jobs (owner, created_at DESC, id DESC);
CREATE INDEX jobs_by_due ON jobs (due_at) WHERE ended_at IS NULL;
CREATE INDEX jobs_by_end ON jobs (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE job_images (
  job TEXT NOT NULL,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  -- One of both: the SHA-256 of bytes in R2, or where they are fetched.
  hash TEXT,
  url TEXT,
  state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'succeeded', 'failed', 'cancelled')),
  attempts INTEGER NOT NULL DEFAULT 0,
  -- JSON: predictions, or an error.
  result TEXT,
  PRIMARY KEY (job, position),
  CHECK ((hash IS NULL) <> (url IS NULL)),
  CHECK ((result IS NULL) = (state IN ('queued', 'cancelled')))
) STRICT, WITHOUT ROWID;

-- One callback a job. Its id is the webhook-id of every attempt.
CREATE TABLE deliveries (
  id TEXT PRIMARY KEY,
  job TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  url TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
  -- Since it was last asked for; the log has all.
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL,
  woken_at INTEGER NOT NULL,
  lease TEXT,
  leased_until INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX deliveries_by_due ON deliveries (due_at) WHERE state = 'pending';
CREATE INDEX deliveries_by_endpoint ON deliveries (owner, url) WHERE state = 'pending';

CREATE TABLE delivery_attempts (
  delivery TEXT NOT NULL,
  lease TEXT NOT NULL,
  at INTEGER NOT NULL,
  -- HTTP's; NULL where no answer came.
  status INTEGER,
  error TEXT,
  PRIMARY KEY (delivery, lease)
) STRICT, WITHOUT ROWID;

-- Endpoints that fail; those that are off are called only where somebody asks for it.
CREATE TABLE endpoints (
  owner TEXT NOT NULL,
  url TEXT NOT NULL,
  failing_since INTEGER NOT NULL,
  off_at INTEGER,
  PRIMARY KEY (owner, url)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
  owner TEXT NOT NULL,
  key TEXT NOT NULL,
  -- SHA-256 of what was asked.
  fingerprint TEXT NOT NULL,
  job TEXT NOT NULL,
  accepted INTEGER NOT NULL DEFAULT 0,
  claimed_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);
