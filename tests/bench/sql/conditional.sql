-- Conditional: take without looking first; the CHECK (rooms_free >= 0) of the table refuses what is not there, and the
-- whole booking with it (the error is the refusal: catching it here would cost a subtransaction per booking). Night by
-- night in their order: one UPDATE over both may lock them in any order and deadlock.
CREATE FUNCTION book(a_hotel integer, a_type smallint, a_check_in date, a_guest bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  first_price  integer;
  second_price integer;
BEGIN
  UPDATE availability SET rooms_free = rooms_free - 1
   WHERE hotel_id = a_hotel AND room_type = a_type AND night = a_check_in
  RETURNING price INTO STRICT first_price;
  UPDATE availability SET rooms_free = rooms_free - 1
   WHERE hotel_id = a_hotel AND room_type = a_type AND night = a_check_in + 1
  RETURNING price INTO STRICT second_price;
  INSERT INTO bookings (id, hotel_id, room_type, check_in, check_out, rooms, guest_id, total)
  VALUES (gen_random_uuid(), a_hotel, a_type, a_check_in, a_check_in + 2, 1, a_guest, first_price + second_price);
  RETURN true;
END $$;
