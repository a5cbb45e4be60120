// The first seeds of the corpora that are not text: commits of every kind of event, snapshots at several ages, the bodies of
// projected rows, and what nodes say to each other. make_seeds tests/fuzz/corpus
#include "actors/domain/limits.hpp"
#include "cluster/wire_codec.hpp"
#include "persistence/codec.hpp"
#include "persistence/value_codec.hpp"
#include "tests/cluster/wire/samples.hpp"
#include "tests/persistence/codec/history.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <utility>
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

/// What decoders must refuse, each by a check of its own: were that check lost, these seeds would tell at once.
void write_refused(const std::filesystem::path& corpus, const testing::history& h) {
  const auto find_booking = [&] {
    return *std::ranges::find_if(h.events, [](const event& e) { return kind_of(e) == "rooms_held"; });
  };
  const auto refused = [&](std::string_view name, auto change) {
    auto e = find_booking();
    auto& booked = std::get<reservation_event>(e.body).after;
    change(booked);
    write(corpus / "row_body" / name, persistence::encode_reservation(booked));
    write(corpus / "commit" / name, counted(as_second(h.events.front(), e)));
  };
  refused("refused-price-negative", [](reservation& r) { r.items[0].night_prices[0] = -1; });
  refused("refused-price-high", [](reservation& r) { r.items[0].night_prices[0] = limits::price_minor_max + 1; });
  refused("refused-price-missing", [](reservation& r) { r.items[0].night_prices.pop_back(); });
  refused("refused-no-rooms", [](reservation& r) { r.items[0].rooms = 0; });
  refused("refused-no-items", [](reservation& r) { r.items.clear(); });
  refused("refused-no-nights", [](reservation& r) { r.stay.check_out = r.stay.check_in; });
  refused("refused-status", [](reservation& r) { r.status = static_cast<reservation_status>(7); });
  refused("refused-type", [](reservation& r) { r.items[0].type = {}; });

  const auto state = [&](std::string_view name, auto change) {
    auto hotel = h.hotel;
    change(hotel);
    write(corpus / "snapshot" / name, persistence::encode_snapshot(hotel));
  };
  state("refused-type-order", [](hotel_state& hotel) {
    hotel = testing::history{{1}, 7}.hotel;
    hotel.rooms.clear();  // nothing else may find the types out of order first
    std::swap(hotel.types[0], hotel.types[1]);
  });
  state("refused-type-missing", [](hotel_state& hotel) { hotel.types.pop_back(); });
  state("refused-type-version", [](hotel_state& hotel) { hotel.types[0].version = 0; });
  state("refused-removed", [](hotel_state& hotel) { hotel.removed = true; });
  state("refused-number", [](hotel_state& hotel) { hotel.last_reservation = 1; });
  state("refused-sequence", [](hotel_state& hotel) { hotel.seq = 1; });
}

/// Behind the byte that says whether it is a request or an answer, as envelope_fuzz reads it.
void write_envelopes(const std::filesystem::path& corpus) {
  const auto& values = persistence::disk_value_codec();
  for (const auto& [name, e] : testing::sample_requests())
    write(corpus / name, '\0' + cluster::encode_request(e, std::chrono::milliseconds{1500}, values));
  for (const auto& [name, a] : testing::sample_answers())
    write(corpus / name, '\1' + cluster::encode_answer(a, values));

  const auto refused = [&](std::string_view name, auto change) {
    auto e = testing::envelope_of(testing::sample_commands()[8].second);
    change(e, std::get<hold_rooms>(std::get<command>(e.body)));
    write(corpus / name, '\0' + cluster::encode_request(e, std::chrono::milliseconds{1500}, values));
  };
  refused("refused-no-items", [](envelope&, hold_rooms& c) { c.items.clear(); });
  refused("refused-no-rooms", [](envelope&, hold_rooms& c) { c.items[0].rooms = 0; });
  refused("refused-no-guests", [](envelope&, hold_rooms& c) { c.items[0].guests = -1; });
  refused("refused-date", [](envelope&, hold_rooms& c) { c.stay.check_in = {-1}; });
  refused("refused-guest", [](envelope&, hold_rooms& c) { c.guest.high = ~std::uint64_t{0}; });
  refused("refused-hotel", [](envelope& e, hold_rooms&) { e.hotel.value = ~std::uint64_t{0}; });
  refused("refused-utf8", [](envelope& e, hold_rooms&) { e.personal[0].name = "\xff"; });
  refused("refused-personal", [](envelope& e, hold_rooms&) { e.personal.push_back(e.personal[0]); });
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
  write_refused(corpus, h);
  write_envelopes(corpus / "envelope");
}
