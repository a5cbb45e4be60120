#include "persistence/journal_verify_model.hpp"

#include "actors/domain/limits.hpp"
#include "persistence/codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string_view>

namespace keyrack::persistence {
namespace {

using status = reservation_status;
using step = reservation_step;

bool occupies_rooms(status s) { return s == status::pending || s == status::confirmed || s == status::checked_in; }

/// The edges of the domain page: from where a step may start, and where it ends.
struct edge {
  reservation_step by;
  std::vector<status> from;
  std::optional<status> to;  ///< nothing: where it started
};
const std::vector<edge>& edges() {
  static const std::vector<edge> all{
      {step::confirmed, {status::pending}, status::confirmed},
      {step::changed, {status::pending, status::confirmed, status::checked_in}, {}},
      {step::hold_extended, {status::pending}, {}},
      {step::hold_lapsed, {status::pending}, status::expired},
      {step::cancelled, {status::pending, status::confirmed}, status::cancelled},
      {step::checked_in, {status::confirmed}, status::checked_in},
      {step::checked_out, {status::checked_in}, status::completed},
      {step::no_show_recorded, {status::confirmed}, status::no_show},
  };
  return all;
}

std::uint64_t fingerprint(std::string_view body) { return std::hash<std::string_view>{}(body); }

std::optional<instant> departure(const reservation& r) {
  if (r.status == status::expired || r.status == status::cancelled) return r.updated_at + std::chrono::hours{24};
  if (r.status == status::completed || r.status == status::no_show) return r.updated_at + std::chrono::hours{7 * 24};
  return std::nullopt;
}

}  // namespace

void finding_sink::add(broken_rule rule, hotel_id hotel, std::uint64_t seq, const std::string& facts) {
  if (report_.findings.size() >= journal_report::findings_max) {
    report_.truncated = true;
    return;
  }
  report_.findings.push_back({.rule = rule,
                              .hotel = hotel,
                              .seq = seq,
                              .what = seq == 0 ? fmt::format("{}: {}", to_text(rule), facts)
                                               : fmt::format("{} at {}: {}", to_text(rule), seq, facts)});
}

void hotel_model::find(broken_rule rule, const event& e, const std::string& facts) {
  findings_.add(rule, id_, e.seq, facts);
}

bool hotel_model::legal(bool holds, const event& e, const char* why) {
  if (holds || !intact_) return holds;
  find(broken_rule::illegal_event, e, fmt::format("{}: {}", kind_of(e), why));
  intact_ = false;
  return false;
}

void hotel_model::see(const event& e) {
  if (e.at < last_at_) {
    find(broken_rule::time_goes_back, e,
         fmt::format("{} after {}", keyrack::to_text(e.at), keyrack::to_text(last_at_)));
    intact_ = false;
    return;
  }
  const bool is_creation = std::holds_alternative<hotel_created>(e.body);
  if (!legal(created_ || is_creation, e, "before the hotel was created")) return;
  if (const auto day = utc_date(e.at); day != today_) begin_day(day);
  see_key(e);
  std::visit([&](const auto& body) { see_body(e, body); }, e.body);
  last_at_ = e.at;
  let_leave(e.at);
}

void hotel_model::begin_day(date today) {
  today_ = today;
  first_night_ = today - limits::nights_kept_behind;
  for (auto& [id, type] : types_) {
    type.rooms_to_sell.erase(type.rooms_to_sell.begin(), type.rooms_to_sell.lower_bound(first_night_.days));
    type.taken.erase(type.taken.begin(), type.taken.lower_bound(first_night_.days));
    type.out_of_order.erase(type.out_of_order.begin(), type.out_of_order.lower_bound(first_night_.days));
  }
  std::erase_if(keys_, [this](const auto& key) { return !remembered(key.second); });
}

void hotel_model::let_leave(instant now) {
  while (!leaving_.empty() && leaving_.begin()->first <= now) {
    live_.erase(leaving_.begin()->second);
    leaving_.erase(leaving_.begin());
  }
}

/// As of the event before: by then the hotel had to know the key, and answer without another event.
bool hotel_model::remembered(const answered& a) const {
  return a.at >= last_at_ - std::chrono::hours{24} || (a.reservation != 0 && live_.contains(a.reservation));
}

void hotel_model::see_key(const event& e) {
  if (!e.answers) return;
  const auto* about = std::get_if<reservation_event>(&e.body);
  const answered now{.at = e.at, .reservation = about != nullptr ? about->after.number.value : 0};
  const auto [place, fresh] = keys_.emplace(e.answers->key, now);
  if (fresh) return;
  if (remembered(place->second)) {
    find(broken_rule::key_answered_twice, e,
         fmt::format("request {} was answered at {} already", to_uuid_text(e.answers->key),
                     keyrack::to_text(place->second.at)));
    replayable_ = false;
  }
  place->second = now;
}

void hotel_model::see_body(const event& e, const hotel_created& body) {
  if (!legal(!created_ && !removed_, e, "there is a hotel already")) return;
  created_ = true;
  overbooking_percent_ = body.profile.overbooking_percent;
  last_of_hotel_ = {.seq = e.seq, .fingerprint = fingerprint(encode_profile(body.profile))};
}

void hotel_model::see_body(const event& e, const hotel_updated& body) {
  if (!legal(!removed_, e, "the hotel is removed")) return;
  overbooking_percent_ = body.profile.overbooking_percent;
  last_of_hotel_ = {.seq = e.seq, .fingerprint = fingerprint(encode_profile(body.profile))};
}

void hotel_model::see_body(const event& e, const hotel_removed&) {
  if (!legal(!removed_ && !takes_rooms_of({}), e, "the hotel is removed, or reservations need it")) return;
  removed_ = true;
  last_of_hotel_.seq = e.seq;
  types_.clear();
  rooms_.clear();
}

void hotel_model::see_body(const event& e, const room_type_added& body) {
  if (!legal(!removed_ && body.type.value > last_type_, e, "its number is not new")) return;
  last_type_ = body.type.value;
  types_[body.type.value] = {.rooms = body.profile.rooms, .overbooking_percent = body.profile.overbooking_percent};
}

void hotel_model::see_body(const event& e, const room_type_updated& body) {
  const auto type = types_.find(body.type.value);
  if (!legal(type != types_.end(), e, "there is no such room type")) return;
  type->second.rooms = body.profile.rooms;
  type->second.overbooking_percent = body.profile.overbooking_percent;
}

void hotel_model::see_body(const event& e, const room_type_removed& body) {
  const bool idle = types_.contains(body.type.value) && !takes_rooms_of(body.type.value);
  if (!legal(idle, e, "there is no such room type, or reservations need it")) return;
  types_.erase(body.type.value);
  std::erase_if(rooms_, [&](const room& r) { return r.type == body.type; });
}

void hotel_model::see_body(const event& e, const rooms_listed& body) {
  std::set<std::string_view> numbers;
  for (const auto& r : body.rooms) {
    legal(types_.contains(r.type.value), e, "a room of a type that is not there");
    legal(numbers.insert(r.number).second, e, "a room twice");
  }
  rooms_ = body.rooms;
  for (auto& [id, type] : types_) type.out_of_order.clear();
}

void hotel_model::see_body(const event& e, const calendar_changed& body) {
  for (const auto& change : body.changes) {
    for (const auto id : change.types) {
      const auto type = types_.find(id.value);
      if (!legal(type != types_.end(), e, "a room type that is not there")) return;
      const auto& set = change.set.rooms_to_sell;
      if (set.what == setting<std::int32_t>::kind::keep) continue;
      for (auto night = std::max(change.from, first_night_); night < change.to; ++night) {
        if ((change.weekdays >> static_cast<int>(weekday_of(night)) & 1) == 0) continue;
        type->second.rooms_to_sell.erase(night.days);
        if (set.what == setting<std::int32_t>::kind::set) type->second.rooms_to_sell.emplace(night.days, set.value);
      }
    }
  }
}

void hotel_model::see_body(const event& e, const reservation_event& body) {
  const auto* before = find_before(e, body);
  if (!intact_) return;
  const auto& r = body.after;
  live_reservation after{.status = r.status,
                         .stay = r.stay,
                         .items = {},
                         .room_numbers = {r.room_numbers.begin(), r.room_numbers.end()},
                         .created_by = r.created_by,
                         .guest = r.guest,
                         .created_at = r.created_at,
                         .hold_expires_at = r.hold_expires_at,
                         .leaves_at = departure(r)};
  for (const auto& item : r.items) {
    if (!legal(types_.contains(item.type.value), e, "rooms of a type that is not there")) return;
    after.items.emplace_back(item.type.value, item.rooms);
  }
  move_rooms(e, before, after);
  move_guests(e, before, after);
  if (after.leaves_at) leaving_.emplace(*after.leaves_at, r.number.value);
  live_.insert_or_assign(r.number.value, std::move(after));
  last_steps_[r.number.value - 1] = {.seq = e.seq, .fingerprint = fingerprint(encode_reservation(r))};
}

/// What the reservation was before this step, null for the first one. Marks what no hotel could have done.
const hotel_model::live_reservation* hotel_model::find_before(const event& e, const reservation_event& body) {
  const auto number = body.after.number.value;
  if (body.step == step::rooms_held) {
    if (first_step_is_legal(e, body)) {
      last_steps_.emplace_back();
      new_guests_.insert(body.after.guest);
    }
    return nullptr;
  }
  const auto found = live_.find(number);
  if (!legal(found != live_.end(), e, "of a reservation that is not there, or has left")) return nullptr;
  return next_step_is_legal(e, body, found->second) ? &found->second : nullptr;
}

bool hotel_model::first_step_is_legal(const event& e, const reservation_event& body) {
  const auto& r = body.after;
  return legal(!removed_, e, "the hotel is removed") &&
         legal(r.number.value == last_steps_.size() + 1, e, "its number is not the next one") &&
         legal(e.answers && e.answers->key == r.created_by, e, "it was not made by the request that it answers") &&
         legal(r.status == status::pending || r.status == status::confirmed, e, "it begins with another status");
}

bool hotel_model::next_step_is_legal(const event& e, const reservation_event& body, const live_reservation& before) {
  const auto& r = body.after;
  const auto drawn_edge = std::ranges::find(edges(), body.step, &edge::by);
  const bool drawn = drawn_edge != edges().end() &&
                     std::ranges::find(drawn_edge->from, before.status) != drawn_edge->from.end() &&
                     r.status == drawn_edge->to.value_or(before.status);
  const bool was_held_until_now = before.status != status::pending || e.at <= before.hold_expires_at;
  return legal(drawn, e, "the edge is not drawn") &&
         legal(body.previous == last_steps_[r.number.value - 1].seq, e, "it does not follow its last step") &&
         legal(r.guest == before.guest && r.created_by == before.created_by && r.created_at == before.created_at, e,
               "it is another reservation than before") &&
         legal(r.updated_at == e.at, e, "it was not updated when it happened") &&
         legal(body.step == step::hold_lapsed ? e.at >= before.hold_expires_at : was_held_until_now, e,
               "its hold had lapsed, or not yet");
}

void hotel_model::move_rooms(const event& e, const live_reservation* before, const live_reservation& after) {
  std::map<std::pair<std::uint16_t, std::int32_t>, std::int64_t> more;  // by type and night
  const auto count = [&](const live_reservation& r, int sign) {
    if (!occupies_rooms(r.status)) return;
    for (const auto& [type, rooms] : r.items) {
      for (auto night = std::max(r.stay.check_in, first_night_); night < r.stay.check_out; ++night)
        more[{type, night.days}] += sign * rooms;
    }
  };
  if (before != nullptr) count(*before, -1);
  count(after, +1);
  for (const auto& [place, rooms] : more) {
    if (rooms == 0) continue;
    const auto [type, night] = place;
    auto& taken = types_.at(type).taken[night];
    taken += rooms;
    if (rooms < 0 || taken <= limit(type, night)) continue;
    find(broken_rule::oversold, e,
         fmt::format("{} rooms of type {} taken on {}, limit {}", taken, type, to_text(date{night}),
                     limit(type, night)));
  }
}

void hotel_model::move_guests(const event& e, const live_reservation* before, const live_reservation& after) {
  if (before != nullptr && before->status == status::checked_in) {
    for (const auto& number : before->room_numbers) occupied_.erase(number);
  }
  if (after.status != status::checked_in) return;
  for (const auto& number : after.room_numbers) {
    if (occupied_.emplace(number, e.seq).second) continue;
    find(broken_rule::room_given_twice, e, fmt::format("room {}", number));
    replayable_ = false;
  }
}

bool hotel_model::takes_rooms_of(std::optional<std::uint16_t> type) const {
  return std::ranges::any_of(live_, [&](const auto& entry) {
    const auto& r = entry.second;
    const auto of_type = [&](const auto& item) { return !type || item.first == *type; };
    return occupies_rooms(r.status) && std::ranges::any_of(r.items, of_type);
  });
}

std::int64_t hotel_model::limit(std::uint16_t type, std::int32_t night) {
  auto& t = types_.at(type);
  auto [counted, fresh] = t.out_of_order.try_emplace(night, 0);
  if (fresh) counted->second = out_of_order(type, night);
  const auto set = t.rooms_to_sell.find(night);
  const std::int64_t to_sell = set != t.rooms_to_sell.end() ? set->second : t.rooms;
  const std::int64_t total = std::max<std::int64_t>(0, to_sell - counted->second);
  return total + total * t.overbooking_percent.value_or(overbooking_percent_) / 100;
}

std::int32_t hotel_model::out_of_order(std::uint16_t type, std::int32_t night) const {
  return static_cast<std::int32_t>(std::ranges::count_if(rooms_, [&](const room& r) {
    return r.type.value == type && std::ranges::any_of(r.out_of_order, [&](const keyrack::out_of_order& o) {
             return o.from.days <= night && night < o.to.days;
           });
  }));
}

}  // namespace keyrack::persistence
