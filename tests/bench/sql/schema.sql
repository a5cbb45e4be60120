-- What every SQL peer books on. It owns the tables; how a booking is made is in for_update.sql, optimistic.sql and
-- conditional.sql. Variables: hotels, types, rooms, nights, first_night.
--
-- Made as an expert would make it, and in favour of the peers where there was a choice:
--   * one index per table, the primary key; `rooms_free` is in none, so that every update is heap-only (HOT);
--   * fillfactor 50 keeps room on each page for those updates, and the tables are vacuumed before the run;
--   * no foreign keys, no index on the guest, no request key with an answer to repeat, no events to be read by others.
--     Keyrack does all of these for the same booking.
CREATE TABLE availability (
  hotel_id   integer  NOT NULL,
  room_type  smallint NOT NULL,
  night      date     NOT NULL,
  rooms_free integer  NOT NULL CHECK (rooms_free >= 0),
  price      integer  NOT NULL,
  PRIMARY KEY (hotel_id, room_type, night)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.5);

CREATE TABLE bookings (
  id         uuid        PRIMARY KEY,
  hotel_id   integer     NOT NULL,
  room_type  smallint    NOT NULL,
  check_in   date        NOT NULL,
  check_out  date        NOT NULL,
  rooms      integer     NOT NULL,
  guest_id   bigint      NOT NULL,
  total      integer     NOT NULL,
  status     text        NOT NULL DEFAULT 'CONFIRMED',
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

INSERT INTO availability
SELECT h, t, date :'first_night' + n, :rooms, 15000 + 100 * t
  FROM generate_series(0, :hotels - 1) h, generate_series(1, :types) t, generate_series(0, :nights - 1) n
 ORDER BY h, t, n;
