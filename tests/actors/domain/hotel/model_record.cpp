#include "tests/actors/domain/hotel/model.hpp"

#include <algorithm>

namespace keyrack::tests {

using enum reservation_status;

// New lines for the booking. The nth item of a type keeps the prices of the nights that its nth item had.
void model::record_terms(booking& b, const stay& dates, const std::vector<requested_item>& items) {
  std::map<std::pair<room_type_id, std::size_t>, std::map<date, std::int64_t>> paid;
  const auto nth_of_type = [](const std::vector<requested_item>& of, std::size_t item) {
    return static_cast<std::size_t>(std::count_if(of.begin(), of.begin() + static_cast<std::ptrdiff_t>(item),
                                                  [&](const requested_item& i) { return i.type == of[item].type; }));
  };
  for (const auto& l : lines_) {
    if (l.number == b.number) paid[{l.type, nth_of_type(b.items, l.item)}][l.night] = l.price;
  }
  std::erase_if(lines_, [&](const line& l) { return l.number == b.number; });
  b.dates = dates;
  b.items = items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto& before = paid[{items[i].type, nth_of_type(items, i)}];
    for (auto night = dates.check_in; night < dates.check_out; ++night) {
      const auto kept = before.find(night);
      const auto price = kept == before.end() ? look(items[i].type, night, last_event_).price : kept->second;
      for (int k = 0; k < items[i].rooms; ++k)
        lines_.push_back({.number = b.number, .item = i, .type = items[i].type, .night = night, .price = price});
    }
  }
}

void model::record_booking(booking& b, const command& cmd, const moment& now) {
  if (const auto* hold = std::get_if<hold_rooms>(&cmd)) {
    b.made_at = now.at;
    b.status = hold->hold ? pending : confirmed;
    if (hold->hold) b.deadline = now.at + std::chrono::seconds{hotel_.hold_seconds};
    record_terms(b, hold->stay, hold->items);
  } else if (const auto* change = std::get_if<change_reservation>(&cmd)) {
    const stay dates{change->check_in.value_or(b.dates.check_in), change->check_out.value_or(b.dates.check_out)};
    record_terms(b, dates, change->items.value_or(b.items));
  } else if (const auto* extend = std::get_if<extend_hold>(&cmd)) {
    b.deadline = std::max(b.deadline, now.at + extend->by.value_or(std::chrono::seconds{hotel_.hold_seconds}));
  } else if (std::holds_alternative<confirm_reservation>(cmd)) {
    b.status = confirmed;
  } else if (std::holds_alternative<check_in_guest>(cmd)) {
    b.status = checked_in;
  } else {
    b.status = std::holds_alternative<cancel_reservation>(cmd) ? cancelled
               : std::holds_alternative<check_out_guest>(cmd)  ? completed
                                                               : no_show;
    b.ended_at = now.at;
  }
}

void model::record_hotel(const command& cmd, std::uint64_t seq) {
  if (const auto* create = std::get_if<create_hotel>(&cmd)) {
    exists_ = true;
    hotel_ = create->profile;
    hotel_version_ = seq;
  } else if (const auto* update = std::get_if<update_hotel>(&cmd)) {
    hotel_ = update->profile;
    hotel_version_ = seq;
  } else if (std::holds_alternative<remove_hotel>(cmd)) {
    exists_ = false;
    removed_ = true;
    types_.clear();
    rooms_.clear();
  } else if (const auto* list = std::get_if<list_rooms>(&cmd)) {
    rooms_ = list->rooms;
    rooms_version_ = seq;
  } else if (const auto* calendar = std::get_if<change_calendar>(&cmd)) {
    calendar_version_ = seq;
    record_calendar(*calendar);
  } else {
    record_types(cmd, seq);
  }
}

void model::record_types(const command& cmd, std::uint64_t seq) {
  if (const auto* add = std::get_if<add_room_type>(&cmd)) {
    types_[{++last_type_}] = add->profile;
    type_versions_[{last_type_}] = seq;
  } else if (const auto* update = std::get_if<update_room_type>(&cmd)) {
    types_[update->type] = update->profile;
    type_versions_[update->type] = seq;
  } else if (const auto* remove = std::get_if<remove_room_type>(&cmd)) {
    types_.erase(remove->type);
    if (std::erase_if(rooms_, [&](const room& r) { return r.type == remove->type; }) > 0) rooms_version_ = seq;
  }
}

void model::record_calendar(const change_calendar& cmd) {
  for (const auto& c : cmd.changes) {
    for (const auto type : c.types.empty() ? types() : c.types) {
      for (auto night = c.from; night < c.to; ++night) {
        auto& set = rules_[{type, night}];
        if (c.weekdays >> static_cast<int>(weekday_of(night)) & 1) set = changed(set, c.set);
      }
    }
  }
}

void model::record(const request& req, const command& cmd, const moment& now, const decision& decided) {
  if (decided.events.empty()) return;
  for (auto& [number, b] : bookings_) {
    if (b.status != pending || b.deadline > now.at) continue;
    b.status = expired;
    b.ended_at = now.at;
  }
  seq_ = decided.events.back().seq;
  last_event_ = now.at;
  if (!std::holds_alternative<accepted>(decided.result)) return;
  const auto* r = std::get_if<reservation_event>(&decided.events.back().body);
  std::uint64_t number = 0;
  if (r == nullptr) {
    record_hotel(cmd, seq_);
  } else {
    number = r->after.number.value;
    auto& b = bookings_[number];
    b.number = number;
    booking_versions_[number] = seq_;
    b.rooms.assign(r->after.room_numbers.begin(), r->after.room_numbers.end());
    record_booking(b, cmd, now);
  }
  keys_[req.key] = {.digest = req.digest, .op = operation_of(cmd), .seq = seq_, .at = now.at, .number = number};
}

}  // namespace keyrack::tests
