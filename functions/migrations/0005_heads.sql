-- Classes of callers' own, on the embeddings of a model. Times are milliseconds since 1970.
CREATE TABLE heads (
  owner TEXT NOT NULL,
  id TEXT NOT NULL,
  -- The model, the version of it whose embeddings these are, and how many numbers they have.
  base TEXT NOT NULL,
  base_version TEXT NOT NULL,
  base_revision INTEGER NOT NULL,
  dims INTEGER NOT NULL,
  -- Another one after each change: who writes says which one was read.
  state TEXT NOT NULL,
  -- JSON: what each temperature would have lost so far (heads/temperature.ts).
  losses TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (owner, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE head_classes (
  owner TEXT NOT NULL,
  head TEXT NOT NULL,
  label TEXT NOT NULL,
  images INTEGER NOT NULL CHECK (images > 0),
  -- Base64 of int32 [dims], least significant byte first: the sum of the embeddings, each at a length of 32,767.
  sum TEXT NOT NULL,
  -- Base64 of int8 [dims]: its direction, stretched to the whole range.
  mean TEXT NOT NULL,
  PRIMARY KEY (owner, head, label)
) STRICT, WITHOUT ROWID;
