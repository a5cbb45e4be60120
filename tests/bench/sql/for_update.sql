-- Pessimistic: lock the nights of the stay in their order (so that two bookings cannot deadlock), look, take, write.
-- One function, so that a booking is one round trip with every plan cached.
CREATE FUNCTION book(a_hotel integer, a_type smallint, a_check_in date, a_guest bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  found_nights integer;
  free         integer;
  total        integer;
BEGIN
  SELECT count(*), min(n.rooms_free), sum(n.price) INTO found_nights, free, total
    FROM (SELECT rooms_free, price FROM availability
           WHERE hotel_id = a_hotel AND room_type = a_type AND night >= a_check_in AND night < a_check_in + 2
           ORDER BY night FOR UPDATE) n;
  IF found_nights <> 2 OR free < 1 THEN
    RETURN false;
  END IF;
  UPDATE availability SET rooms_free = rooms_free - 1
   WHERE hotel_id = a_hotel AND room_type = a_type AND night >= a_check_in AND night < a_check_in + 2;
  INSERT INTO bookings (id, hotel_id, room_type, check_in, check_out, rooms, guest_id, total)
  VALUES (gen_random_uuid(), a_hotel, a_type, a_check_in, a_check_in + 2, 1, a_guest, total);
  RETURN true;
END $$;
