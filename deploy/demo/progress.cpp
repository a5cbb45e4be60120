#include "deploy/demo/progress.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace keyrack::demo {

std::string grouped(std::uint64_t number) {
  auto text = fmt::format("{}", number);
  for (auto at = static_cast<int>(text.size()) - 3; at > 0; at -= 3) text.insert(static_cast<std::size_t>(at), 1, ',');
  return text;
}

std::string progress_line(const load_counts& counts, double done, std::uint32_t hotels,
                          std::chrono::duration<double> took) {
  constexpr int width = 20;
  const int full = std::clamp(static_cast<int>(done * width), 0, width);
  std::string bar;
  for (int cell = 0; cell < width; ++cell) bar += cell < full ? "█" : "░";
  const auto seconds = std::max(took.count(), 1e-3);
  auto line = fmt::format("{} {:3.0f} %  {} of {} hotels, {} bookings, {}/s", bar, done * 100, grouped(counts.hotels),
                          grouped(hotels), grouped(counts.bookings),
                          grouped(static_cast<std::uint64_t>(static_cast<double>(counts.requests()) / seconds)));
  // The first moments say little about the rest.
  if (done > 0.02 && seconds > 1) line += fmt::format(", {:.0f} s left", seconds / done * (1 - done));
  return line;
}

void progress::show(const std::string& line) {
  if (terminal_) {
    fmt::print(out_, "\r{}\x1b[K", line);
  } else {
    fmt::print(out_, "{}\n", line);
  }
  std::fflush(out_);
  shown_ = true;
}

void progress::end() {
  if (shown_ && terminal_) fmt::print(out_, "\n");
}

}  // namespace keyrack::demo
