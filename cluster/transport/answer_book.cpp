#include "cluster/transport/answer_book.hpp"

#include "cluster/transport/frame_limits.hpp"

#include <utility>

namespace keyrack::cluster {

bool answer_book::admit(std::uint64_t id, std::size_t bytes) {
  if (open_.size() >= bounds_.requests || bytes > bounds_.bytes - open_bytes_) return false;
  // What has been answered and waits still holds its place: a peer that does not read gets no more room by it.
  if (open_.size() + leaving_.size() >= 2 * bounds_.requests || leaving_bytes_ > bounds_.bytes) return false;
  if (!open_.emplace(id, bytes).second) return false;
  open_bytes_ += bytes;
  return true;
}

bool answer_book::close(std::uint64_t id) {
  const auto found = open_.find(id);
  if (found == open_.end()) return false;
  open_bytes_ -= found->second;
  open_.erase(found);
  return true;
}

bool answer_book::answer(std::uint64_t id, std::string bytes) {
  if (!close(id)) return false;
  link::Answer answer;
  answer.set_id(id);
  if (bytes.size() > message_bytes_max) {
    answer.set_failure(link::TOO_LARGE);
  } else {
    leaving_bytes_ += bytes.size();
    answer.set_what(std::move(bytes));
  }
  leaving_.push_back(std::move(answer));
  return true;
}

void answer_book::refuse(std::uint64_t id, link::Failure why) {
  link::Answer answer;
  answer.set_id(id);
  answer.set_failure(why);
  leaving_.push_back(std::move(answer));
}

bool answer_book::overflows() const { return leaving_.size() > 4 * bounds_.requests; }

void answer_book::leave(std::size_t bytes_max, link::Answers& into) {
  std::size_t bytes = 0;
  while (!leaving_.empty()) {
    auto& next = leaving_.front();
    const auto size = next.what().size();
    if (bytes > 0 && bytes + size + item_overhead > bytes_max) break;
    bytes += size + item_overhead;
    leaving_bytes_ -= size;
    *into.add_all() = std::move(next);
    leaving_.pop_front();
  }
}

}  // namespace keyrack::cluster
