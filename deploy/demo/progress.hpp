// How far a load has come, on standard error: a bar where that is a terminal, else a line per second. Owns only how it
// looks; what time it is comes from the caller.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace keyrack::demo {

/// What has been done so far. `replayed` and `refused` are among the others.
struct load_counts {
  std::uint64_t hotels = 0;  ///< with all that is theirs
  std::uint64_t room_types = 0;
  std::uint64_t calendars = 0;
  std::uint64_t bookings = 0;
  std::uint64_t replayed = 0;  ///< had been made by an earlier run
  std::uint64_t refused = 0;   ///< bookings for which there was no room any more
  std::uint64_t retries = 0;
  std::uint64_t requests() const { return hotels + room_types + calendars + bookings; }
};

/// `12,345`: thousands apart.
std::string grouped(std::uint64_t number);

/// `█████░░░░░  52 %  156 of 300 hotels, 10,422 bookings, 8,123/s, 3 s left`
std::string progress_line(const load_counts& counts, double done, std::uint32_t hotels,
                          std::chrono::duration<double> took);

class progress {
public:
  progress(std::FILE* out, bool terminal) : out_(out), terminal_(terminal) {}

  bool on_terminal() const { return terminal_; }

  void show(const std::string& line);

  /// Leaves the terminal's cursor on a fresh line.
  void end();

private:
  std::FILE* out_;
  bool terminal_;
  bool shown_ = false;
};

}  // namespace keyrack::demo
