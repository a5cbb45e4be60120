-- The journal, who may write it, who is there, and the people beside it. Each step runs once, in one transaction; a step
-- that has been released is never edited, only followed by another.

-- Every start of a node draws one; never given twice, also after a crash.
CREATE SEQUENCE incarnations AS bigint MINVALUE 1 NO CYCLE;

-- A commit is all that one hotel decided in one batch; first_seq..last_seq are its events' numbers.
CREATE TABLE commits (
  hotel_id  bigint      NOT NULL,
  first_seq bigint      NOT NULL CHECK (first_seq > 0),
  last_seq  bigint      NOT NULL,
  shard     smallint    NOT NULL,
  writer    bigint      NOT NULL,
  at        timestamptz NOT NULL,
  xid       xid8        NOT NULL DEFAULT pg_current_xact_id(),
  payload   bytea       NOT NULL,
  PRIMARY KEY (hotel_id, first_seq),
  CHECK (last_seq >= first_seq)
);
-- For readers of the whole journal, in the order of commits.
CREATE INDEX commits_by_xid ON commits (xid, hotel_id, first_seq);
-- Payloads are Protobuf and small: compressing them costs more than it saves.
ALTER TABLE commits ALTER COLUMN payload SET STORAGE EXTERNAL;

CREATE TABLE snapshots (
  hotel_id bigint      PRIMARY KEY,
  seq      bigint      NOT NULL,
  writer   bigint      NOT NULL,
  at       timestamptz NOT NULL,
  payload  bytea       NOT NULL
);

-- A row per writing connection of an incarnation. Its share lock is the right to write; fenced_at takes that away for ever.
CREATE TABLE writers (
  incarnation bigint      NOT NULL,
  slot        smallint    NOT NULL,
  node        text        NOT NULL,
  backend     integer,
  started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  fenced_at   timestamptz,
  PRIMARY KEY (incarnation, slot)
) WITH (fillfactor = 50);

-- The incarnations that are there. One that was fenced, or left, has no row.
CREATE TABLE nodes (
  incarnation   bigint      PRIMARY KEY,
  node          text        NOT NULL,
  region        text        NOT NULL DEFAULT '',
  actor_address text        NOT NULL DEFAULT '',
  http_address  text        NOT NULL DEFAULT '',
  beat          bigint      NOT NULL,
  beat_at       timestamptz NOT NULL,
  started_at    timestamptz NOT NULL,
  version       text        NOT NULL
) WITH (fillfactor = 50);

-- What operators want of a node, by its name: outlives incarnations.
CREATE TABLE wishes (
  node    text    PRIMARY KEY,
  weight  integer NOT NULL DEFAULT 100 CHECK (weight >= 0),
  drained boolean NOT NULL DEFAULT false
);

CREATE TABLE shards (
  shard   smallint    PRIMARY KEY CHECK (shard >= 0 AND shard < 1024),
  owner   bigint,
  version bigint      NOT NULL DEFAULT 0,
  target  bigint,
  since   timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO shards (shard) SELECT generate_series(0, 1023);

CREATE TABLE pins (
  shard smallint PRIMARY KEY,
  node  text     NOT NULL
);

-- One row: who coordinates.
CREATE TABLE coordinator (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  holder   bigint,
  term     bigint  NOT NULL DEFAULT 0,
  beat     bigint  NOT NULL DEFAULT 0
);
INSERT INTO coordinator DEFAULT VALUES;

-- People. Written in the append of the reservation that brought them; corrected, exported and erased here, and nowhere else.
CREATE TABLE guests (
  guest_high bigint      NOT NULL,
  guest_low  bigint      NOT NULL,
  hotel_id   bigint      NOT NULL,
  name       text        NOT NULL,
  email      text        NOT NULL,
  phone      text        NOT NULL,
  version    bigint      NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  erased_at  timestamptz,
  PRIMARY KEY (guest_high, guest_low)
);
CREATE INDEX guests_by_hotel ON guests (hotel_id);

CREATE TABLE reservation_notes (
  hotel_id   bigint NOT NULL,
  number     bigint NOT NULL,
  guest_high bigint NOT NULL,
  guest_low  bigint NOT NULL,
  notes      text   NOT NULL,
  PRIMARY KEY (hotel_id, number)
);
CREATE INDEX reservation_notes_by_guest ON reservation_notes (guest_high, guest_low);
