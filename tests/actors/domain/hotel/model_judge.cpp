#include "tests/actors/domain/hotel/model.hpp"

#include <algorithm>
#include <ranges>

namespace keyrack::tests {

namespace {

using enum reservation_status;

constexpr std::chrono::hours day{24};

bool ended(reservation_status s) { return s == completed || s == cancelled || s == expired || s == no_show; }

int rooms_of(const std::vector<requested_item>& items, room_type_id type) {
  int rooms = 0;
  for (const auto& i : items) rooms += i.type == type ? i.rooms : 0;
  return rooms;
}

bool is_out_of_order(const room& r, date night) {
  return std::ranges::any_of(r.out_of_order, [&](const out_of_order& o) { return o.from <= night && night < o.to; });
}

}  // namespace

std::vector<room_type_id> model::types() const {
  const auto keys = types_ | std::views::keys;
  return {keys.begin(), keys.end()};
}

reservation_status model::status_at(const booking& b, instant now) const {
  return b.status == pending && b.deadline <= now ? expired : b.status;
}

bool model::in_memory(const booking& b) const {
  if (!ended(b.status)) return true;
  const auto kept = b.status == cancelled || b.status == expired ? day : 7 * day;
  return b.ended_at + kept > last_event_;
}

const model::booking* model::find(reservation_number n) const {
  const auto found = bookings_.find(n.value);
  return found == bookings_.end() ? nullptr : &found->second;
}

// Nights that are more than two UTC days behind the last event are forgotten.
night_rule model::rule(room_type_id type, date night) const {
  const auto found = rules_.find({type, night});
  return found == rules_.end() || night < utc_date(last_event_) - 2 ? night_rule{} : found->second;
}

model::night_of_type model::look(room_type_id type, date night, instant now) const {
  const auto& profile = types_.at(type);
  const auto set = rule(type, night);
  night_of_type n;
  int total = set.rooms_to_sell >= 0 ? set.rooms_to_sell : profile.rooms;
  for (const auto& r : rooms_) total -= r.type == type && is_out_of_order(r, night) ? 1 : 0;
  total = std::max(total, 0);
  n.limit = total + total * profile.overbooking_percent.value_or(hotel_.overbooking_percent) / 100;
  for (const auto& l : lines_) {
    if (l.type == type && l.night == night && !ended(status_at(bookings_.at(l.number), now))) ++n.taken;
  }
  n.free = set.closed ? 0 : std::max(0, n.limit - n.taken);
  n.price = set.price >= 0 ? set.price : profile.price;
  return n;
}

// --- judging ---

void model::judge_terms(opinion& o, const booking* before, const stay& dates, const std::vector<requested_item>& items,
                        bool check_guests, const moment& now) const {
  for (const auto& i : items) {
    if (!types_.contains(i.type)) o.objections.insert(errc::room_type_unknown);
  }
  if (o.objections.contains(errc::room_type_unknown)) return;
  if (dates.check_out <= dates.check_in || dates.check_out > dates.check_in + 90) {
    o.objections.insert(errc::stay_invalid);
    return;
  }
  const bool arrives_anew = before == nullptr || before->dates.check_in != dates.check_in;
  const bool leaves_anew = before == nullptr || before->dates.check_out != dates.check_out;
  if (arrives_anew && dates.check_in < now.today) o.objections.insert(errc::stay_in_past);
  if (leaves_anew && dates.check_out < now.today) o.objections.insert(errc::stay_in_past);
  if (leaves_anew && dates.check_out > now.today + 730) o.objections.insert(errc::stay_too_far);
  for (const auto& i : items) {
    if (check_guests && i.guests > i.rooms * types_.at(i.type).max_guests) o.objections.insert(errc::too_many_guests);
  }
  for (auto night = dates.check_in; night < std::min(now.today, dates.check_out); ++night) {
    for (const auto& i : items) {
      const int had = before != nullptr && before->dates.sleeps(night) ? rooms_of(before->items, i.type) : 0;
      if (rooms_of(items, i.type) > had) o.objections.insert(errc::stay_in_past);
    }
  }
  judge_nights(o, before, dates, items, now.at);
  judge_restrictions(o, before, dates, items);
}

// Tears the old lines out, writes the new ones beside the others, and looks which night has become too long.
void model::judge_nights(opinion& o, const booking* before, const stay& dates, const std::vector<requested_item>& items,
                         instant now) const {
  for (auto night = dates.check_in; night < dates.check_out; ++night) {
    for (const auto& i : items) {
      const int had = before != nullptr && before->dates.sleeps(night) ? rooms_of(before->items, i.type) : 0;
      const int wants = rooms_of(items, i.type);
      if (wants <= had) continue;
      const auto n = look(i.type, night, now);
      if (rule(i.type, night).closed) o.objections.insert(errc::closed);
      if (n.taken - had + wants > n.limit) {
        o.objections.insert(errc::sold_out);
        o.short_nights[{i.type, night}] = std::max(0, n.limit - n.taken);
      }
    }
  }
}

void model::judge_restrictions(opinion& o, const booking* before, const stay& dates,
                               const std::vector<requested_item>& items) const {
  for (const auto& i : items) {
    const bool more = before == nullptr || rooms_of(items, i.type) > rooms_of(before->items, i.type);
    const bool arrives_anew = more || before->dates.check_in != dates.check_in;
    const bool leaves_anew = more || before->dates.check_out != dates.check_out;
    const auto arrival = rule(i.type, dates.check_in);
    if (arrives_anew && arrival.closed_to_arrival) o.objections.insert(errc::closed_to_arrival);
    if (leaves_anew && rule(i.type, dates.check_out).closed_to_departure)
      o.objections.insert(errc::closed_to_departure);
    if (!arrives_anew && !leaves_anew) continue;
    if (arrival.min_stay > dates.nights()) o.objections.insert(errc::min_stay);
    if (arrival.max_stay != 0 && arrival.max_stay < dates.nights()) o.objections.insert(errc::max_stay);
  }
}

const model::booking* model::judge_booking(opinion& o, const request& req, reservation_number n,
                                           std::set<reservation_status> from, instant now) const {
  const auto* b = find(n);
  if (!exists_ && (b == nullptr || !removed_)) o.objections.insert(errc::hotel_unknown);
  if (b == nullptr) {
    o.objections.insert(errc::reservation_unknown);
    return nullptr;
  }
  const auto status = status_at(*b, now);
  if (in_memory(*b) && status == expired) o.too_late = true;
  if (!in_memory(*b) || !from.contains(status)) {
    o.objections.insert(errc::wrong_status);
    return nullptr;
  }
  if (req.if_match && *req.if_match != booking_versions_.at(b->number)) o.objections.insert(errc::version_conflict);
  return b;
}

bool model::needed(std::optional<room_type_id> type, instant now) const {
  for (const auto& [number, b] : bookings_) {
    if (!ended(status_at(b, now)) && (!type || rooms_of(b.items, *type) > 0)) return true;
  }
  return false;
}

const room* model::listed_as(const std::string& number) const {
  const auto found = std::ranges::find(rooms_, number, &room::number);
  return found == rooms_.end() ? nullptr : &*found;
}

bool model::listed(room_type_id type) const {
  return std::ranges::any_of(rooms_, [&](const room& r) { return r.type == type; });
}

bool model::occupied(const std::string& number) const {
  return std::ranges::any_of(bookings_, [&](const auto& entry) {
    return entry.second.status == checked_in &&
           std::ranges::find(entry.second.rooms, number) != entry.second.rooms.end();
  });
}

void model::judge_list(opinion& o, const request& req, const list_rooms& cmd) const {
  if (req.if_match && *req.if_match != rooms_version_) o.objections.insert(errc::version_conflict);
  for (const auto& r : cmd.rooms) {
    if (!types_.contains(r.type)) o.objections.insert(errc::room_type_unknown);
  }
  for (const auto& [number, b] : bookings_) {
    if (b.status != checked_in) continue;
    std::size_t next = 0;
    for (const auto& i : b.items) {
      for (int k = 0; k < i.rooms; ++k, ++next) {
        const auto now = std::ranges::find(cmd.rooms, b.rooms[next], &room::number);
        const bool gone = now == cmd.rooms.end() && listed_as(b.rooms[next]) != nullptr;
        if (gone || (now != cmd.rooms.end() && now->type != i.type)) o.objections.insert(errc::room_taken);
      }
    }
  }
}

void model::judge_calendar(opinion& o, const request& req, const change_calendar& cmd, date today) const {
  if (req.if_match && (*req.if_match < calendar_version_ || *req.if_match > seq_))
    o.objections.insert(errc::version_conflict);
  if (types_.empty() || cmd.changes.empty()) o.objections.insert(errc::calendar_invalid);
  for (const auto& c : cmd.changes) {
    for (const auto type : c.types) {
      if (!types_.contains(type)) o.objections.insert(errc::room_type_unknown);
    }
    if (c.from >= c.to || c.from < today || c.to > today + 731 || c.weekdays == 0)
      o.objections.insert(errc::calendar_invalid);
    if (c.price_currency && *c.price_currency != hotel_.currency) o.objections.insert(errc::currency_mismatch);
  }
}

void model::judge_hotel(opinion& o, const request& req, const command& cmd, const moment& now) const {
  const auto version_is = [&](std::uint64_t version) {
    if (req.if_match && *req.if_match != version) o.objections.insert(errc::version_conflict);
  };
  const auto type_is = [&](room_type_id type) {
    if (types_.contains(type)) return version_is(type_versions_.at(type));
    o.objections.insert(errc::room_type_unknown);
  };
  const auto currency_is = [&](currency c) {
    if (c != hotel_.currency) o.objections.insert(errc::currency_mismatch);
  };
  if (const auto* c = std::get_if<update_hotel>(&cmd)) {
    version_is(hotel_version_);
    if (!bookings_.empty() || !types_.empty()) currency_is(c->profile.currency);
  } else if (std::holds_alternative<remove_hotel>(cmd)) {
    version_is(hotel_version_);
    if (needed({}, now.at)) o.objections.insert(errc::hotel_in_use);
  } else if (const auto* add = std::get_if<add_room_type>(&cmd)) {
    currency_is(add->profile.currency);
  } else if (const auto* update = std::get_if<update_room_type>(&cmd)) {
    type_is(update->type);
    currency_is(update->profile.currency);
  } else if (const auto* remove = std::get_if<remove_room_type>(&cmd)) {
    type_is(remove->type);
    if (needed(remove->type, now.at)) o.objections.insert(errc::room_type_in_use);
  } else if (const auto* list = std::get_if<list_rooms>(&cmd)) {
    judge_list(o, req, *list);
  } else if (const auto* calendar = std::get_if<change_calendar>(&cmd)) {
    judge_calendar(o, req, *calendar, now.today);
  } else if (const auto* hold = std::get_if<hold_rooms>(&cmd)) {
    judge_terms(o, nullptr, hold->stay, hold->items, true, now);
  }
}

std::set<errc> model::rooms_wrong(const booking& b, const std::vector<std::string>& given, date today) const {
  std::set<errc> wrong;
  std::vector<room_type_id> wanted;
  for (const auto& i : b.items) wanted.insert(wanted.end(), static_cast<std::size_t>(i.rooms), i.type);
  if (given.size() != wanted.size()) return {errc::no_room_ready};
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto* r = listed_as(given[i]);
    if (r == nullptr ? listed(wanted[i]) : r->type != wanted[i]) wrong.insert(errc::no_room_ready);
    for (auto night = today; night < b.dates.check_out; ++night) {
      if (r != nullptr && is_out_of_order(*r, night)) wrong.insert(errc::no_room_ready);
    }
    if (occupied(given[i]) || std::ranges::count(given, given[i]) > 1) wrong.insert(errc::room_taken);
  }
  return wrong;
}

void model::judge_arrival(opinion& o, const request& req, const check_in_guest& cmd, const moment& now) const {
  const auto* b = judge_booking(o, req, cmd.number, {confirmed}, now.at);
  if (b == nullptr) return;
  if (!b->dates.sleeps(now.today)) o.objections.insert(errc::wrong_status);
  if (!cmd.rooms.empty()) {
    o.objections.merge(rooms_wrong(*b, cmd.rooms, now.today));
    return;
  }
  for (const auto& i : b->items) {
    booking one = *b;
    one.items = {{.type = i.type, .rooms = 1, .guests = 1}};
    const auto ready =
        std::ranges::count_if(rooms_, [&](const room& r) { return rooms_wrong(one, {r.number}, now.today).empty(); });
    if (ready < rooms_of(b->items, i.type)) o.objections.insert(errc::no_room_ready);
  }
}

void model::judge_change(opinion& o, const request& req, const change_reservation& cmd, const moment& now) const {
  for (const auto& i : cmd.items.value_or(std::vector<requested_item>{})) {
    // A removed hotel has no types that could be asked for, only reservations that ended.
    if (exists_ && !types_.contains(i.type)) o.objections.insert(errc::room_type_unknown);
  }
  const auto* b = judge_booking(o, req, cmd.number, {pending, confirmed, checked_in}, now.at);
  if (b == nullptr) return;
  const stay dates{cmd.check_in.value_or(b->dates.check_in), cmd.check_out.value_or(b->dates.check_out)};
  const auto items = cmd.items.value_or(b->items);
  if (b->status == checked_in && (dates.check_in != b->dates.check_in || items != b->items))
    o.objections.insert(errc::wrong_status);
  judge_terms(o, b, dates, items, cmd.items.has_value(), now);
}

void model::judge_step(opinion& o, const request& req, const command& cmd, const moment& now) const {
  if (const auto* c = std::get_if<confirm_reservation>(&cmd)) {
    judge_booking(o, req, c->number, {pending}, now.at);
  } else if (const auto* cancel = std::get_if<cancel_reservation>(&cmd)) {
    judge_booking(o, req, cancel->number, {pending, confirmed}, now.at);
  } else if (const auto* leave = std::get_if<check_out_guest>(&cmd)) {
    judge_booking(o, req, leave->number, {checked_in}, now.at);
  } else if (const auto* missed = std::get_if<record_no_show>(&cmd)) {
    const auto* b = judge_booking(o, req, missed->number, {confirmed}, now.at);
    if (b != nullptr && now.today < b->dates.check_in) o.objections.insert(errc::wrong_status);
  } else if (const auto* extend = std::get_if<extend_hold>(&cmd)) {
    const auto* b = judge_booking(o, req, extend->number, {pending}, now.at);
    const auto by = extend->by.value_or(std::chrono::seconds{hotel_.hold_seconds});
    if (b != nullptr && now.at + by > b->made_at + std::chrono::minutes{15}) o.objections.insert(errc::limit_reached);
  } else if (const auto* arrive = std::get_if<check_in_guest>(&cmd)) {
    judge_arrival(o, req, *arrive, now);
  } else if (const auto* change = std::get_if<change_reservation>(&cmd)) {
    judge_change(o, req, *change, now);
  }
}

model::opinion model::judge(const request& req, const command& cmd, const moment& now) {
  opinion o;
  const auto known = keys_.find(req.key);
  if (known != keys_.end()) {
    const auto& [digest, op, seq, at, number] = known->second;
    const bool kept = at >= last_event_ - day || (number != 0 && in_memory(bookings_.at(number)));
    if (!kept) {
      keys_.erase(known);
    } else if (digest == req.digest && op == operation_of(cmd)) {
      o.repeats = seq;
      return o;
    } else {
      o.objections.insert(errc::key_reused);
      return o;
    }
  }
  if (std::holds_alternative<create_hotel>(cmd)) {
    if (removed_) o.objections.insert(errc::hotel_unknown);
    if (exists_) o.objections.insert(errc::limit_reached);
  } else if (operation_of(cmd) <= operation::hold_rooms) {
    if (!exists_) {
      o.objections.insert(errc::hotel_unknown);
    } else {
      judge_hotel(o, req, cmd, now);
    }
  } else {
    judge_step(o, req, cmd, now);
  }
  return o;
}

}  // namespace keyrack::tests
