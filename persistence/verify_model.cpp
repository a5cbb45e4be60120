#include "persistence/verify_model.hpp"

#include "actors/domain/limits.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace keyrack::persistence {

namespace {

using status = reservation_status;

bool holds_rooms(status s) { return s == status::pending || s == status::confirmed || s == status::checked_in; }

bool is_drawn(std::optional<status> from, status to) {
  if (!from) return to == status::pending || to == status::confirmed;
  switch (*from) {
  case status::pending:
    return to == status::pending || to == status::confirmed || to == status::cancelled || to == status::expired;
  case status::confirmed:
    return to == status::confirmed || to == status::checked_in || to == status::cancelled || to == status::no_show;
  case status::checked_in: return to == status::checked_in || to == status::completed;
  default: return false;
  }
}

template <typename Promise, typename Visit>
void for_each_night(const Promise& p, Visit visit) {
  if (!holds_rooms(p.status)) return;
  for (const auto& [type, rooms] : p.rooms) {
    for (date night = p.nights.check_in; night < p.nights.check_out; ++night) visit(std::pair{type, night.days}, rooms);
  }
}

}  // namespace

void verify_model::apply(const event& e, std::vector<std::string>& findings) {
  if (e.seq != seq_ + 1) findings.push_back(fmt::format("event {} comes after event {}", e.seq, seq_));
  if (e.at < last_at_) findings.push_back(fmt::format("event {} is dated before the event before it", e.seq));
  seq_ = e.seq;
  last_at_ = std::max(last_at_, e.at);
  check_request(e, findings);

  if (const auto* created = std::get_if<hotel_created>(&e.body)) {
    overbooking_percent_ = created->profile.overbooking_percent;
  } else if (const auto* updated = std::get_if<hotel_updated>(&e.body)) {
    overbooking_percent_ = updated->profile.overbooking_percent;
  } else if (const auto* added = std::get_if<room_type_added>(&e.body)) {
    types_[added->type.value] = {added->profile.rooms, added->profile.overbooking_percent};
  } else if (const auto* changed = std::get_if<room_type_updated>(&e.body)) {
    types_[changed->type.value] = {changed->profile.rooms, changed->profile.overbooking_percent};
  } else if (const auto* gone = std::get_if<room_type_removed>(&e.body)) {
    types_.erase(gone->type.value);
  } else if (const auto* listed = std::get_if<rooms_listed>(&e.body)) {
    rooms_ = listed->rooms;
  } else if (const auto* calendar = std::get_if<calendar_changed>(&e.body)) {
    apply_calendar(*calendar);
  } else if (const auto* step = std::get_if<reservation_event>(&e.body)) {
    apply_reservation(e, *step, findings);
  }
}

// A key may come again for something new only after it may have been forgotten.
void verify_model::check_request(const event& e, std::vector<std::string>& findings) {
  if (!e.answers) return;
  const auto [known, first] = answered_.try_emplace(e.answers->key, e.at);
  if (!first && e.at - known->second < limits::request_key_kept) {
    findings.push_back(fmt::format("event {} answers request {} a second time", e.seq, to_uuid_text(e.answers->key)));
  }
  known->second = e.at;
}

void verify_model::apply_calendar(const calendar_changed& e) {
  using kind = setting<std::int32_t>::kind;
  for (const auto& change : e.changes) {
    if (change.set.rooms_to_sell.what == kind::keep) continue;
    for (date night = change.from; night < change.to; ++night) {
      if ((change.weekdays >> static_cast<int>(weekday_of(night)) & 1) == 0) continue;
      for (const auto type : change.types) {
        const night_of_type at{type.value, night.days};
        if (change.set.rooms_to_sell.what == kind::set) {
          rooms_to_sell_[at] = change.set.rooms_to_sell.value;
        } else {
          rooms_to_sell_.erase(at);
        }
      }
    }
  }
}

void verify_model::apply_reservation(const event& e, const reservation_event& r, std::vector<std::string>& findings) {
  const auto found = reservations_.find(r.after.number.value);
  check_step(e, r, found == reservations_.end() ? nullptr : &found->second, findings);

  promise after{r.after.status, r.after.stay, {}, e.seq};
  for (const auto& item : r.after.items) after.rooms.emplace_back(item.type.value, item.rooms);
  std::map<night_of_type, std::int64_t> more;
  for_each_night(after, [&](const night_of_type& night, std::int32_t rooms) { more[night] += rooms; });
  if (found != reservations_.end()) {
    for_each_night(found->second, [&](const night_of_type& night, std::int32_t rooms) { more[night] -= rooms; });
  }
  for (const auto& [night, rooms] : more) {
    const auto taken = taken_[night] += rooms;
    if (rooms > 0 && taken > limit(night)) {
      findings.push_back(fmt::format("event {} oversells room type {} on {}: {} taken of {}", e.seq, night.first,
                                     to_text(date{night.second}), taken, limit(night)));
    }
    if (taken == 0) taken_.erase(night);
  }
  reservations_.insert_or_assign(r.after.number.value, std::move(after));
}

void verify_model::check_step(const event& e, const reservation_event& r, const promise* before,
                              std::vector<std::string>& findings) {
  const auto number = r.after.number.value;
  if (!is_drawn(before ? std::optional{before->status} : std::nullopt, r.after.status)) {
    findings.push_back(fmt::format("event {} takes reservation {} from {} to {}", e.seq, number,
                                   before ? to_text(before->status) : "nothing", to_text(r.after.status)));
  }
  if (r.previous != (before ? before->version : 0)) {
    findings.push_back(fmt::format("event {} names {} as the step before it, which was {}", e.seq, r.previous,
                                   before ? before->version : 0));
  }
  if (r.after.version != e.seq) findings.push_back(fmt::format("event {} carries version {}", e.seq, r.after.version));
}

std::int64_t verify_model::limit(const night_of_type& night) const {
  const auto type = types_.find(night.first);
  if (type == types_.end()) return 0;
  const auto set = rooms_to_sell_.find(night);
  std::int64_t total = set == rooms_to_sell_.end() ? type->second.rooms : set->second;
  for (const auto& r : rooms_) {
    if (r.type.value != night.first) continue;
    total -= std::any_of(r.out_of_order.begin(), r.out_of_order.end(), [&](const out_of_order& o) {
      return o.from.days <= night.second && night.second < o.to.days;
    });
  }
  return std::max<std::int64_t>(0, total) * (100 + type->second.overbooking_percent.value_or(overbooking_percent_)) /
         100;
}

}  // namespace keyrack::persistence
