-- Jobs whose pictures are being put into the bucket: those that never came to be leave pictures that no row names.
CREATE TABLE uploads (
  job TEXT PRIMARY KEY,
  began_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX uploads_by_time ON uploads (began_at);
