#include "tests/sim/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace keyrack::sim {

namespace {

/// The reservations of a hotel after the events up to `seq`, and its rooms, as a list.
struct plain_hotel {
  std::map<std::uint64_t, reservation> reservations;
  std::int32_t rooms = 0;

  void apply(const event& e) {
    if (const auto* r = std::get_if<reservation_event>(&e.body)) reservations[r->after.number.value] = r->after;
    if (const auto* t = std::get_if<room_type_added>(&e.body)) rooms = t->profile.rooms;
  }
  /// Holds past their deadline take nothing, whether anybody has said so or not.
  int taken(date night, std::optional<instant> now) const {
    int n = 0;
    for (const auto& [number, r] : reservations) {
      const bool ended = r.status == reservation_status::cancelled || r.status == reservation_status::expired ||
                         r.status == reservation_status::completed || r.status == reservation_status::no_show;
      const bool lapsed = now && r.status == reservation_status::pending && r.hold_expires_at <= *now;
      if (ended || lapsed || night < r.stay.check_in || night >= r.stay.check_out) continue;
      for (const auto& item : r.items) n += item.rooms;
    }
    return n;
  }
};

}  // namespace

void history::violated(const std::string& what) {
  violations_.push_back(fmt::format("at {} us: {}", world_.now().count(), what));
}

void history::answered(const envelope& e, const answer_envelope& a, duration called, std::uint64_t wish) {
  world_.trace("answer", a.body.index(), a.sequence);
  if (std::holds_alternative<failure>(a.body)) return;
  const auto rows = db_.last_seq(e.hotel);
  if (a.sequence > rows)
    violated(fmt::format("an answer rests on event {} and the journal ends at {}", a.sequence, rows));
  if (const auto* d = std::get_if<done>(&a.body)) {
    check_done(e, *d, wish);
  } else {
    check_fresh(e, a, called);
    if (const auto* no = std::get_if<refusal>(&a.body)) {
      ++refused_;
      if (no->code == errc::sold_out) check_sold_out(e, a);
    } else {
      ++read_;
    }
  }
  const auto seq = std::holds_alternative<done>(a.body) ? std::get<done>(a.body).what->seq : a.sequence;
  auto& told = told_[e.hotel];
  if (told.empty() || told.back().second < seq) told.emplace_back(world_.now(), seq);
}

void history::check_done(const envelope& e, const done& d, std::uint64_t wish) {
  ++(d.replayed ? replayed_ : accepted_);
  const auto written = db_.event_at(e.hotel, d.what->seq);
  if (!written || !(*written == *d.what)) {
    return violated(fmt::format("hotel {}: acknowledged event {} is not in the journal", e.hotel.value, d.what->seq));
  }
  const auto [known, first] = by_wish_.try_emplace(wish, acknowledged{e.hotel, d.what->seq});
  if (!first && known->second.seq != d.what->seq) {
    violated(
        fmt::format("request {} was answered with event {} and with event {}", wish, known->second.seq, d.what->seq));
  }
}

// Nothing that somebody was told before this request was made may be missing from what it was decided upon.
void history::check_fresh(const envelope& e, const answer_envelope& a, duration called) {
  const auto& told = told_[e.hotel];
  const auto since = std::ranges::lower_bound(told, called, {}, &std::pair<duration, std::uint64_t>::first);
  if (since == told.begin()) return;
  const auto seq = std::prev(since)->second;
  if (seq <= a.sequence) return;
  violated(fmt::format("hotel {}: an answer of event {} to a call after event {} had been told", e.hotel.value,
                       a.sequence, seq));
}

// Somewhere in the stay a night had too little, at that point of the journal, if lapsed holds count for nothing. The
// moment of the decision is not in the answer; what lapsed between it and now would only make more free.
void history::check_sold_out(const envelope& e, const answer_envelope& a) {
  const auto* book = std::get_if<hold_rooms>(&std::get<command>(e.body));
  if (!book) return;
  plain_hotel hotel;
  db_.each_event(e.hotel, 0, a.sequence, [&](const event& written) { hotel.apply(written); });
  int wanted = 0;
  for (const auto& item : book->items) wanted += item.rooms;
  for (date night = book->stay.check_in; night < book->stay.check_out; ++night) {
    if (hotel.taken(night, std::nullopt) + wanted > hotel.rooms) return;
  }
  violated(fmt::format("hotel {}: sold out was said at event {} while rooms were free", e.hotel.value, a.sequence));
}

void history::check_told() {
  for (const auto& [wish, known] : by_wish_) {
    const auto written = db_.event_at(known.hotel, known.seq);
    const bool there = written && written->answers && wish_of_.at(written->answers->key) == wish;
    if (!there) violated(fmt::format("hotel {}: acknowledged event {} is lost", known.hotel.value, known.seq));
  }
  for (const auto& [hotel, told] : told_) {
    if (told.empty() || told.back().second <= db_.last_seq(hotel)) continue;
    violated(fmt::format("hotel {}: event {} was told, and is lost", hotel.value, told.back().second));
  }
}

void history::check_journal(const std::vector<hotel_id>& hotels) {
  for (const auto id : hotels) {
    std::uint64_t next = 1;
    for (const auto& [first, row] : db_.rows(id)) {
      if (first != next)
        violated(fmt::format("hotel {}: a commit begins at {} where {} comes next", id.value, first, next));
      next = row.last_seq + 1;
    }
    plain_hotel hotel;
    std::set<std::uint64_t> answered;
    db_.each_event(id, 0, UINT64_MAX, [&](const event& e) {
      hotel.apply(e);
      if (e.answers && !answered.insert(wish_of_.at(e.answers->key)).second) {
        violated(fmt::format("hotel {}: event {} does what a client wanted for the second time", id.value, e.seq));
      }
      const auto* r = std::get_if<reservation_event>(&e.body);
      if (!r || !takes_rooms(r->after.status)) return;
      for (date night = r->after.stay.check_in; night < r->after.stay.check_out; ++night) {
        if (hotel.taken(night, std::nullopt) > hotel.rooms) {
          violated(fmt::format("hotel {}: event {} oversells {}", id.value, e.seq, to_text(night)));
        }
      }
    });
  }
}

}  // namespace keyrack::sim
