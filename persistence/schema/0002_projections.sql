-- What the projector makes of the journal, for questions that are not about one hotel. All of it can be made anew: empty
-- the tables, set the position back, and it follows from the journal.

CREATE TABLE guest_reservations (
  hotel_id        bigint   NOT NULL,
  number          bigint   NOT NULL,
  guest_high      bigint   NOT NULL,
  guest_low       bigint   NOT NULL,
  check_in        date     NOT NULL,
  check_out       date     NOT NULL,
  status          smallint NOT NULL,  -- as numbered in the journal; 0 is pending
  last_seq        bigint   NOT NULL,  -- of the hotel's event that made it so
  hold_expires_at timestamptz,        -- of a pending one
  body            bytea    NOT NULL,  -- the whole reservation, as the journal writes it
  PRIMARY KEY (hotel_id, number)
);
CREATE INDEX guest_reservations_by_guest ON guest_reservations (guest_high, guest_low, check_in, hotel_id, number);
-- The deadlines that owners sweep, so that no hold is forgotten by sleep or take-over.
CREATE INDEX guest_reservations_pending ON guest_reservations (hold_expires_at, hotel_id) WHERE status = 0;
ALTER TABLE guest_reservations ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE hotels_list (
  hotel_id   bigint      PRIMARY KEY,
  profile    bytea       NOT NULL,  -- as the journal writes it
  version    bigint      NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  removed    boolean     NOT NULL
);

-- Up to which event each hotel has been projected: a hotel's commits must join, and a commit that is met again is known.
CREATE TABLE projected_hotels (
  hotel_id bigint PRIMARY KEY,
  last_seq bigint NOT NULL
) WITH (fillfactor = 50);

-- One row. Whoever projects moves it from where it was to where it will be, in the statement that writes the rows above.
CREATE TABLE projection_position (
  only_row  boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
  lineage   text        NOT NULL DEFAULT '',  -- system identifier and timeline; empty: nothing was ever projected
  xid       xid8        NOT NULL DEFAULT '0',
  hotel_id  bigint      NOT NULL DEFAULT 0,
  first_seq bigint      NOT NULL DEFAULT 0,
  moved_at  timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
INSERT INTO projection_position DEFAULT VALUES;
