// The first seeds of the corpora that are not text: commits of every kind of event, snapshots at several ages, and the
// bodies of projected rows. make_seeds tests/fuzz/corpus
#include "persistence/codec.hpp"
#include "tests/persistence/codec/history.hpp"

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <variant>

using namespace keyrack;

namespace {

void write(const std::filesystem::path& file, std::string_view bytes) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream{file, std::ios::binary} << bytes;
}

/// Behind the byte that says how many events there are, as commit_fuzz reads it.
std::string counted(const commit& c) { return static_cast<char>(c.events.size()) + persistence::encode_commit(c); }

/// The event behind another one, as the second that its hotel ever had: numbers begin with 1 in these commits.
commit as_second(const event& first, event e) {
  e.seq = 2;
  if (auto* booked = std::get_if<reservation_event>(&e.body)) {
    booked->after.version = e.seq;
    booked->previous = booked->step == reservation_step::rooms_held ? 0 : first.seq;
  }
  return {.hotel = {1}, .events = {first, std::move(e)}, .personal = {}, .notes_of = {}};
}

void write_kinds(const std::filesystem::path& corpus, const testing::history& h) {
  std::set<std::string_view> kinds;
  for (const auto& e : h.events) {
    const auto kind = kind_of(e);
    if (!kinds.insert(kind).second) continue;
    write(corpus / "commit" / kind, counted(as_second(h.events.front(), e)));
    if (const auto* booked = std::get_if<reservation_event>(&e.body)) {
      write(corpus / "row_body" / kind, persistence::encode_reservation(booked->after));
    }
  }
  write(corpus / "row_body" / "profile", persistence::encode_profile(h.hotel.profile));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path corpus{argv[1]};
  testing::history h{{1}, 7};
  write(corpus / "snapshot" / "new", persistence::encode_snapshot(h.hotel));
  h.live(40);
  write(corpus / "snapshot" / "young", persistence::encode_snapshot(h.hotel));
  write(corpus / "commit" / "life", counted(testing::commit_of(h, 0, 32)));
  h.live(400);
  write(corpus / "snapshot" / "old", persistence::encode_snapshot(h.hotel));
  write_kinds(corpus, h);
}
