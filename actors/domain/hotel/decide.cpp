#include "actors/domain/hotel/decide.hpp"

#include "actors/domain/assert.hpp"
#include "actors/domain/hotel/deciding.hpp"
#include "actors/domain/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>

namespace keyrack {

namespace deciding {

std::unexpected<refusal> refuse(errc code, std::string detail, std::vector<reason> reasons) {
  return std::unexpected(refusal{.code = code, .reasons = std::move(reasons), .detail = std::move(detail)});
}

std::optional<refusal> stale(const matter& m, std::uint64_t version) {
  if (!m.req.if_match || *m.req.if_match == version) return std::nullopt;
  return refusal{.code = errc::version_conflict,
                 .reasons = {},
                 .detail = fmt::format("It is at version {} now: read it again.", version)};
}

std::expected<const room_type_state*, refusal> find_type(const matter& m, room_type_id id) {
  if (const auto* type = m.hotel.hotel().find_type(id)) return type;
  return refuse(errc::room_type_unknown, fmt::format("The hotel has no room type {}.", id.value),
                {{.code = errc::room_type_unknown, .type = id}});
}

std::expected<const reservation*, refusal> find_reservation(const matter& m, reservation_number number,
                                                            std::initializer_list<reservation_status> from,
                                                            const obstacle& in_the_way) {
  const auto& hotel = m.hotel.hotel();
  const bool given = number.value >= 1 && number.value <= hotel.last_reservation;
  // A removed hotel still knows its own past reservations.
  if (!hotel.exists && !(hotel.removed && given)) return refuse(errc::hotel_unknown, "There is no such hotel.");
  if (!given) return refuse(errc::reservation_unknown, "There is no such reservation.");
  const auto* r = hotel.reservations.find(number);
  if (r == nullptr) return refuse(errc::wrong_status, "The reservation ended long ago.");
  const auto status = m.hotel.status_of(*r);
  if (status == reservation_status::expired)
    return refuse(errc::hold_lapsed, fmt::format("The hold lapsed at {}.", to_text(r->hold_expires_at)));
  if (std::ranges::find(from, status) == from.end())
    return refuse(errc::wrong_status, fmt::format("The reservation is {}.", to_text(status)));
  if (in_the_way) {
    if (auto why = in_the_way(*r); !why.empty()) return refuse(errc::wrong_status, std::move(why));
  }
  if (auto conflict = stale(m, r->version)) return std::unexpected(std::move(*conflict));
  return r;
}

verdict stepped(const matter& m, reservation_step step, const reservation& before, reservation after) {
  after.updated_at = m.now.at;
  after.version = m.seq;
  return reservation_event{.step = step, .after = std::move(after), .previous = before.version};
}

bool keys_exhausted(const hotel_state& hotel, instant at, std::size_t keys_max) {
  if (hotel.requests.size() < keys_max) return false;
  if (!hotel.leaving.empty() && hotel.leaving.begin()->first <= at) return false;
  return !hotel.requests.can_forget_before(at - limits::request_key_kept, hotel.reservations);
}

}  // namespace deciding

namespace {

using namespace deciding;

// Facts of the hotel's own, whoever's command brings them to light.
std::vector<event> lapses(const present& hotel, const moment& now) {
  std::vector<event> events;
  events.reserve(hotel.lapsed_holds().size() + 1);
  auto seq = hotel.hotel().seq;
  for (const auto* r : hotel.lapsed_holds()) {
    auto after = *r;
    after.status = reservation_status::expired;
    after.updated_at = now.at;
    after.version = ++seq;
    events.push_back({.seq = seq,
                      .at = now.at,
                      .by = "keyrack",
                      .answers = {},
                      .body = reservation_event{
                          .step = reservation_step::hold_lapsed, .after = std::move(after), .previous = r->version}});
  }
  return events;
}

bool is_about_the_hotel(const command& cmd) { return operation_of(cmd) <= operation::hold_rooms; }

verdict judge(const matter& m, const command& cmd) {
  const auto& hotel = m.hotel.hotel();
  const bool creates = std::holds_alternative<create_hotel>(cmd) && !hotel.removed;
  if (is_about_the_hotel(cmd) && !creates && !hotel.exists)
    return refuse(errc::hotel_unknown, "There is no such hotel.");
  auto found = std::visit(
      [&](const auto& c) -> verdict {
        if constexpr (std::is_same_v<std::decay_t<decltype(c)>, lapse_holds>) {
          KEYRACK_ASSERT(false);  // it asks nothing, and is not judged
          std::unreachable();
        } else {
          return decide_on(m, c);
        }
      },
      cmd);
  if (found && keys_exhausted(hotel, m.now.at, limits::request_keys_max))
    return refuse(errc::overloaded, "The hotel remembers as many requests as it may: come back in some hours.");
  return found;
}

decision known_before(const known_request& known, const request& req, operation op) {
  if (known.digest == req.digest && known.op == op) return {.events = {}, .result = repeated{.seq = known.seq}};
  return {.events = {},
          .result = refusal{
              .code = errc::key_reused,
              .reasons = {},
              .detail = fmt::format("This key was used for another request ({}): draw a new one.", to_text(known.op))}};
}

}  // namespace

decision decide(const hotel_state& hotel, const request& req, const command& cmd, const moment& now) {
  KEYRACK_ASSERT(now.at >= hotel.last_at);
  const bool asks = !std::holds_alternative<lapse_holds>(cmd);

  // A retry gets its first answer, even if the last room was sold in between.
  if (asks) {
    if (const auto known = hotel.requests.find(req.key)) return known_before(*known, req, operation_of(cmd));
  }

  const present as_of_now{hotel, now.at};
  decision result{.events = lapses(as_of_now, now), .result = no_answer{}};
  if (!asks) return result;

  const matter m{.hotel = as_of_now, .req = req, .now = now, .seq = hotel.seq + result.events.size() + 1};
  auto found = judge(m, cmd);
  if (!found) {
    result.result = std::move(found.error());
    return result;
  }
  result.events.push_back({.seq = m.seq,
                           .at = now.at,
                           .by = req.by,
                           .answers = request_stamp{.key = req.key, .digest = req.digest, .op = operation_of(cmd)},
                           .body = std::move(*found)});
  result.result = accepted{.seq = m.seq};
  return result;
}

}  // namespace keyrack
