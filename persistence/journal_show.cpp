#include "persistence/journal_show.hpp"

#include "actors/domain/limits.hpp"
#include "config/log_line.hpp"
#include "persistence/codec.hpp"
#include "persistence/projections/journal_follower.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <variant>
#include <vector>

namespace keyrack::persistence {
namespace {

std::string json_text(std::string_view text) {
  std::string out;
  append_json_text(out, text);
  return out;
}

/// What people have typed cannot end the line, or write over it.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) c = '?';
  }
  return text;
}

std::string stay_text(const stay& s) { return to_text(s.check_in) + "/" + to_text(s.check_out); }

std::string price_text(const reservation& r) {
  if (r.priced_in == currency{}) return fmt::to_string(total(r));
  return fmt::format("{} {}", amount_text({total(r), r.priced_in}), r.priced_in.text());
}

/// What an event says beside its kind: for people.
struct as_text {
  hotel_id hotel;

  std::string operator()(const hotel_created& e) const { return profile(e.profile); }
  std::string operator()(const hotel_updated& e) const { return profile(e.profile); }
  std::string operator()(const hotel_removed&) const { return {}; }
  std::string operator()(const room_type_added& e) const { return type(e.type, e.profile); }
  std::string operator()(const room_type_updated& e) const { return type(e.type, e.profile); }
  std::string operator()(const room_type_removed& e) const { return fmt::format("type {}", e.type.value); }
  std::string operator()(const rooms_listed& e) const { return fmt::format("{} rooms", e.rooms.size()); }
  std::string operator()(const calendar_changed& e) const {
    std::vector<std::string> changes;
    for (const auto& c : e.changes)
      changes.push_back(fmt::format("{}/{} of {} types", to_text(c.from), to_text(c.to), c.types.size()));
    return fmt::format("{}", fmt::join(changes, ", "));
  }
  std::string operator()(const reservation_event& e) const {
    const auto& r = e.after;
    std::vector<std::string> items;
    for (const auto& i : r.items) items.push_back(fmt::format("{} × type {}", i.rooms, i.type.value));
    auto text = fmt::format("{} {} {} {} {}", to_text(reservation_id{hotel, r.number}), to_text(r.status),
                            stay_text(r.stay), fmt::join(items, " + "), price_text(r));
    if (!r.room_numbers.empty()) text += fmt::format(" in {}", fmt::join(r.room_numbers, ", "));
    if (r.status == reservation_status::pending) text += " until " + to_text(r.hold_expires_at);
    return text;
  }

  static std::string profile(const hotel_profile& p) {
    return fmt::format("{} in {}, {}; {}", json_text(p.name), json_text(p.city), p.country, p.time_zone);
  }
  static std::string type(room_type_id id, const room_type_profile& p) {
    return fmt::format("type {} {}: {} rooms for {}", id.value, json_text(p.name), p.rooms, p.max_guests);
  }
};

/// The same as members of a JSON object, each after a comma.
struct as_json {
  hotel_id hotel;

  std::string operator()(const hotel_created& e) const { return profile(e.profile); }
  std::string operator()(const hotel_updated& e) const { return profile(e.profile); }
  std::string operator()(const hotel_removed&) const { return {}; }
  std::string operator()(const room_type_added& e) const { return type(e.type, e.profile); }
  std::string operator()(const room_type_updated& e) const { return type(e.type, e.profile); }
  std::string operator()(const room_type_removed& e) const { return fmt::format(R"(,"type":{})", e.type.value); }
  std::string operator()(const rooms_listed& e) const { return fmt::format(R"(,"rooms":{})", e.rooms.size()); }
  std::string operator()(const calendar_changed& e) const {
    std::vector<std::string> changes;
    for (const auto& c : e.changes)
      changes.push_back(
          fmt::format(R"({{"from":"{}","to":"{}","types":{}}})", to_text(c.from), to_text(c.to), c.types.size()));
    return fmt::format(R"(,"changes":[{}])", fmt::join(changes, ","));
  }
  std::string operator()(const reservation_event& e) const {
    const auto& r = e.after;
    std::vector<std::string> items, rooms;
    for (const auto& i : r.items)
      items.push_back(fmt::format(R"({{"type":{},"rooms":{},"guests":{},"night_prices":[{}]}})", i.type.value, i.rooms,
                                  i.guests, fmt::join(i.night_prices, ",")));
    for (const auto& number : r.room_numbers) rooms.push_back(json_text(number));
    auto text = fmt::format(
        R"(,"reservation":"{}","status":"{}","guest":"{}","check_in":"{}","check_out":"{}","items":[{}],"currency":{})",
        to_text(reservation_id{hotel, r.number}), to_text(r.status), to_text(r.guest), to_text(r.stay.check_in),
        to_text(r.stay.check_out), fmt::join(items, ","),
        json_text(r.priced_in == currency{} ? std::string_view{} : r.priced_in.text()));
    if (!rooms.empty()) text += fmt::format(R"(,"room_numbers":[{}])", fmt::join(rooms, ","));
    if (r.status == reservation_status::pending)
      text += fmt::format(R"(,"hold_expires_at":"{}")", to_text(r.hold_expires_at));
    return text + fmt::format(R"(,"previous":{})", e.previous);
  }

  static std::string profile(const hotel_profile& p) {
    return fmt::format(R"(,"name":{},"city":{},"country":{},"time_zone":{})", json_text(p.name), json_text(p.city),
                       json_text(p.country), json_text(p.time_zone));
  }
  static std::string type(room_type_id id, const room_type_profile& p) {
    return fmt::format(R"(,"type":{},"name":{},"rooms":{},"max_guests":{},"price":{})", id.value, json_text(p.name),
                       p.rooms, p.max_guests, p.price);
  }
};

}  // namespace

std::string event_line(hotel_id hotel, const event& e) {
  return one_line(fmt::format("{:>8}  {}  {:<17} {}  by {}", e.seq, to_text(e.at), kind_of(e),
                              std::visit(as_text{hotel}, e.body), json_text(e.by)));
}

std::string event_json(hotel_id hotel, const event& e) {
  auto text = fmt::format(R"({{"hotel":"{}","sequence":{},"at":"{}","kind":"{}","by":{})", to_text(hotel), e.seq,
                          to_text(e.at), kind_of(e), json_text(e.by));
  if (e.answers)
    text +=
        fmt::format(R"(,"request_key":"{}","operation":"{}")", to_uuid_text(e.answers->key), to_text(e.answers->op));
  text += std::visit(as_json{hotel}, e.body);
  return text + R"(,"summary":)" + json_text(std::visit(as_text{hotel}, e.body)) + "}";
}

std::expected<void, std::string> show_journal(const database_settings& database, hotel_id hotel, std::uint64_t from,
                                              const std::function<void(const event&)>& see) {
  auto connection = pg_connection::connect(database, application_name(0, "journal-show"),
                                           call_deadline::in("database.connect_timeout", database.connect_timeout));
  if (!connection) return std::unexpected(connection.error().message);
  journal_follower journal{*connection, database.statement_timeout};
  for (auto next = from;;) {
    const auto batch = journal.read_hotel(hotel, next, {});
    if (!batch) return std::unexpected(batch.error().message);
    if (batch->commits.empty() && next == from)
      return std::unexpected(fmt::format("hotel {} has no event {}", to_text(hotel), from));
    for (const auto& c : batch->commits) {
      const auto events = decode_commit(c.payload, c.first_seq, c.last_seq);
      if (!events) return std::unexpected(fmt::format("commit {}: {}", c.first_seq, events.error()));
      for (const auto& e : *events) {
        if (e.seq >= from) see(e);
      }
      next = c.last_seq + 1;
    }
    if (!batch->full) return {};
  }
}

}  // namespace keyrack::persistence
