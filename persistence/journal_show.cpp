#include "persistence/journal_show.hpp"

#include "actors/ports.hpp"
#include "config/log_line.hpp"
#include "persistence/codec.hpp"
#include "persistence/pg_connection.hpp"

#include <fmt/format.h>

#include <utility>

namespace keyrack::persistence {

namespace {

constexpr int commits_per_piece = 500;

constexpr pg_statement sql_commits_from{.name = "show_commits", .sql = R"sql(
  SELECT first_seq, last_seq, payload FROM commits
   WHERE hotel_id = $1 AND last_seq >= $2 ORDER BY first_seq LIMIT $3
)sql"};

std::string reservation_summary(hotel_id hotel, const reservation& r) {
  auto out = fmt::format("{} {} {}/{}", to_text(reservation_id{hotel, r.number}), to_text(r.status),
                         to_text(r.stay.check_in), to_text(r.stay.check_out));
  for (const auto& item : r.items) out += fmt::format(" {} × type {}", item.rooms, item.type.value);
  for (const auto& number : r.room_numbers) out += fmt::format(" room {}", number);
  return out;
}

struct summary_of {
  hotel_id hotel;
  std::string operator()(const hotel_created& e) const { return e.profile.name; }
  std::string operator()(const hotel_updated& e) const { return e.profile.name; }
  std::string operator()(const hotel_removed&) const { return {}; }
  std::string operator()(const room_type_added& e) const {
    return fmt::format("type {} {}", e.type.value, e.profile.name);
  }
  std::string operator()(const room_type_updated& e) const {
    return fmt::format("type {} {}", e.type.value, e.profile.name);
  }
  std::string operator()(const room_type_removed& e) const { return fmt::format("type {}", e.type.value); }
  std::string operator()(const rooms_listed& e) const { return fmt::format("{} rooms", e.rooms.size()); }
  std::string operator()(const calendar_changed& e) const {
    std::string out;
    for (const auto& c : e.changes) {
      out +=
          fmt::format("{}{}/{} of {} types", out.empty() ? "" : ", ", to_text(c.from), to_text(c.to), c.types.size());
    }
    return out;
  }
  std::string operator()(const reservation_event& e) const { return reservation_summary(hotel, e.after); }
};

}  // namespace

std::string event_line(hotel_id hotel, const event& e) {
  return fmt::format("{:>8}  {}  {}  {}  {}", e.seq, to_text(e.at), e.by, kind_of(e),
                     std::visit(summary_of{hotel}, e.body));
}

std::string event_json(hotel_id hotel, const event& e) {
  std::string out = fmt::format(R"({{"sequence":{},"at":"{}","kind":"{}","by":)", e.seq, to_text(e.at), kind_of(e));
  append_json_text(out, e.by);
  if (e.answers) {
    out += fmt::format(R"(,"request_key":"{}","operation":"{}")", to_uuid_text(e.answers->key), to_text(e.answers->op));
  }
  if (const auto* r = std::get_if<reservation_event>(&e.body)) {
    out += fmt::format(R"(,"reservation":"{}","status":"{}")", to_text(reservation_id{hotel, r->after.number}),
                       to_text(r->after.status));
  }
  out += R"(,"summary":)";
  append_json_text(out, std::visit(summary_of{hotel}, e.body));
  return out + "}";
}

std::expected<void, std::string> show_journal(const database_settings& database, hotel_id hotel, std::uint64_t from,
                                              const std::function<void(const event&)>& show) {
  auto connection = pg_connection::connect(database, "keyrack/show",
                                           call_deadline::in("database.connect_timeout", database.connect_timeout));
  if (!connection) return std::unexpected{connection.error().message};
  bool any = false;
  for (std::uint64_t next = from;;) {
    const auto rows =
        connection->run(sql_commits_from, pg_params{}.int8(hotel.value).int8(next).int4(commits_per_piece),
                        call_deadline::in("database.statement_timeout", database.statement_timeout));
    if (!rows) return std::unexpected{rows.error().message};
    for (int row = 0; row < rows->rows(); ++row) {
      const auto first = static_cast<std::uint64_t>(rows->integer(row, 0));
      const auto last = static_cast<std::uint64_t>(rows->integer(row, 1));
      const auto events = decode_commit(rows->bytes(row, 2), first, last);
      if (!events) return std::unexpected{fmt::format("the commit at {} cannot be read: {}", first, events.error())};
      for (const auto& e : *events) {
        if (e.seq >= from) show(e);
      }
      any = true;
      next = last + 1;
    }
    if (rows->rows() < commits_per_piece) break;
  }
  if (!any)
    return std::unexpected{fmt::format("the journal has no events of hotel {} from {} on", to_text(hotel), from)};
  return {};
}

}  // namespace keyrack::persistence
