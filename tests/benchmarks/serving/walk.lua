-- Walk a list of paths over and over, for wrk: -- FILE TURN [ENCODING]. {1} and {2} become digits that never repeat.
local requests, varied, at, turn = {}, false, 0, 0

function init(args)
  turn = tonumber(args[2]) * 1000
  local headers = {}
  if args[3] then headers["Accept-Encoding"] = args[3] end
  for path in io.lines(args[1]) do
    local request = wrk.format("GET", path, headers)
    if path:find("{1}", 1, true) then
      varied = true
      request = request:gsub("%%", "%%%%"):gsub("{1}", "%%03d"):gsub("{2}", "%%03d")
    end
    requests[#requests + 1] = request
  end
end

function request()
  at = at + 1
  if at > #requests then
    at = 1
    turn = turn + 1
  end
  if varied then
    return string.format(requests[at], turn % 1000, math.floor(turn / 1000) % 1000)
  end
  return requests[at]
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format(
    "MEASURED %d %d %d %d %d %d\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.bytes,
    failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
