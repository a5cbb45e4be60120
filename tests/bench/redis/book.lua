-- A two-night booking of one room in Redis: both nights are looked at, then both are taken; Redis runs a script alone,
-- so nobody comes in between. KEYS[1] is a hotel (a hash: one field per room type and night), ARGV[1] a random number
-- that picks the field of the arrival, ARGV[2] how many arrivals there are in all, ARGV[3] how many per room type.
-- It writes no booking record. With a fourth argument it writes one too, under the next number.
local pick = tonumber(ARGV[1]) % tonumber(ARGV[2])
local per_type = tonumber(ARGV[3])
local first = math.floor(pick / per_type) * 1000 + pick % per_type
local free = redis.call('HMGET', KEYS[1], first, first + 1)
if not free[1] or not free[2] or tonumber(free[1]) < 1 or tonumber(free[2]) < 1 then
  return 0
end
redis.call('HINCRBY', KEYS[1], first, -1)
redis.call('HINCRBY', KEYS[1], first + 1, -1)
if ARGV[4] then
  redis.call('HSET', 'booking:' .. redis.call('INCR', 'bookings'), 'hotel', KEYS[1], 'first', first, 'nights', 2,
             'rooms', 1, 'guest', 4711, 'total', 30200, 'status', 'CONFIRMED')
end
return 1
