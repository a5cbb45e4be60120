-- Sends the requests of a file, in a random order, each with a request id of its own. Run as
--   wrk … -s requests.lua URL -- FILE
-- FILE has one request per line: METHOD PATH [BODY]. A body that holds the UUID of zeroes below gets a fresh one instead.
--
-- All that can be made beforehand is made beforehand: what is left per request is one table look-up and one concatenation.
-- There is no response() on purpose: with one, wrk makes Lua tables of every answer's headers and becomes the bottleneck.
-- wrk itself counts statuses above 399; that accepted bookings say exactly 201 is counted by `load`, which sends the same file.

local placeholder = "00000000%-0000%-4000%-8000%-000000000000"
local kept_requests = 16384
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

local heads, tails, hex = {}, {}, {}
local id_rest
local id_state, picked = 0, 0

local function read_requests(path)
  local lines = {}
  for line in io.lines(path) do
    lines[#lines + 1] = line
  end
  assert(#lines > 0, "no requests in " .. path)
  return lines
end

local function render(line)
  local method, path, body = line:match("^(%S+) (%S+) ?(.*)$")
  local head = method .. " " .. path .. " HTTP/1.1\r\nHost: " .. wrk.host .. "\r\n"
  if body ~= "" then
    head = head .. "Content-Type: application/json\r\nContent-Length: " .. #body .. "\r\n"
  end
  return head .. "\r\n" .. body
end

-- Seeds from the kernel: two threads, or two runs against one hotel, never send the same id.
local function random_bytes(count)
  local source = assert(io.open("/dev/urandom", "rb"))
  local bytes = source:read(count)
  source:close()
  return bytes
end

function init(args)
  local seed = 0
  for _, byte in ipairs({random_bytes(6):byte(1, 6)}) do
    seed = seed * 256 + byte
  end
  math.randomseed(seed)
  local lines = read_requests(args[1])
  for i = 1, kept_requests do
    local text = render(lines[math.random(#lines)])
    local from, to = text:find(placeholder)
    heads[i] = from and text:sub(1, from - 1) or text
    tails[i] = from and text:sub(to + 1)
  end
  for i = 0, 4095 do
    hex[i] = string.format("%03x", i)
  end
  local digits = random_bytes(12):gsub(".", function(c) return string.format("%02x", c:byte()) end)
  id_rest = digits:sub(1, 2) .. "-" .. digits:sub(3, 6) .. "-4" .. digits:sub(7, 9) .. "-8" .. digits:sub(10, 12) ..
            "-" .. digits:sub(13, 24)
  id_state = seed % 16777216
end

-- The first six digits of the id run through all 16.7 million values before one comes again (a full-period congruence:
-- odd increment, multiplier 1 modulo 4), and the products stay below 2^53.
function request()
  picked = picked % kept_requests + 1
  local tail = tails[picked]
  if not tail then
    return heads[picked]
  end
  id_state = (id_state * 16598013 + 12820163) % 16777216
  local low = id_state % 4096
  return heads[picked] .. hex[(id_state - low) / 4096] .. hex[low] .. id_rest .. tail
end

-- One line of JSON for the script that started us; socket errors are counted by kind.
function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"duration_us":%d,"bytes":%d,"p50_us":%d,"p99_us":%d,"max_us":%d,"status_errors":%d,' ..
    '"socket_errors":{"connect":%d,"read":%d,"write":%d,"timeout":%d}}',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99), latency.max,
    errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
