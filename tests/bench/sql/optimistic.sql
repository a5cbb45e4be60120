-- Optimistic: read without a lock, take, write; a booking that came in between makes this one fail with a
-- serialization error (40001), and the client tries again. The connections run in REPEATABLE READ (set by the runner),
-- so that a booking is still one round trip; pgbench repeats it up to 1,000 times and its latency is that of all tries.
CREATE FUNCTION book(a_hotel integer, a_type smallint, a_check_in date, a_guest bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  found_nights integer;
  free         integer;
  total        integer;
BEGIN
  SELECT count(*), min(rooms_free), sum(price) INTO found_nights, free, total
    FROM availability
   WHERE hotel_id = a_hotel AND room_type = a_type AND night >= a_check_in AND night < a_check_in + 2;
  IF found_nights <> 2 OR free < 1 THEN
    RETURN false;
  END IF;
  UPDATE availability SET rooms_free = rooms_free - 1
   WHERE hotel_id = a_hotel AND room_type = a_type AND night = a_check_in;
  UPDATE availability SET rooms_free = rooms_free - 1
   WHERE hotel_id = a_hotel AND room_type = a_type AND night = a_check_in + 1;
  INSERT INTO bookings (id, hotel_id, room_type, check_in, check_out, rooms, guest_id, total)
  VALUES (gen_random_uuid(), a_hotel, a_type, a_check_in, a_check_in + 2, 1, a_guest, total);
  RETURN true;
END $$;
