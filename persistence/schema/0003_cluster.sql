-- Many nodes: what they say of themselves, which shards were taken from the dead, and the moves that operators ask for.

ALTER TABLE nodes
  ADD COLUMN reaches bigint[] NOT NULL DEFAULT '{}',    -- the peers it has links with
  ADD COLUMN leaving boolean  NOT NULL DEFAULT false;   -- it waits for its shards to be taken over

-- The owner before was fenced, and may answer from memory until its read lease ends: the new one waits for that.
ALTER TABLE shards ADD COLUMN after_fence boolean NOT NULL DEFAULT true;
UPDATE shards SET after_fence = false WHERE owner IS NULL;

ALTER TABLE coordinator ADD COLUMN rebalance_asked boolean NOT NULL DEFAULT false;

-- Moves, asked for, under way and past. A row ends when its shard has the owner that it was to have, or will not have it.
CREATE TABLE moves (
  id         bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  shard      smallint    NOT NULL,
  from_node  text        NOT NULL DEFAULT '',
  to_node    text        NOT NULL,
  reason     text        NOT NULL,
  asked_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  begun_at   timestamptz,
  ended_at   timestamptz,
  outcome    text        NOT NULL DEFAULT 'asked' CHECK (outcome IN ('asked', 'moving', 'moved', 'called off', 'refused')),
  detail     text        NOT NULL DEFAULT ''    -- why it was called off or refused
);
CREATE INDEX moves_open ON moves (shard) WHERE ended_at IS NULL;

-- Who was fenced, and why: for people.
ALTER TABLE writers ADD COLUMN fenced_for text NOT NULL DEFAULT '';
