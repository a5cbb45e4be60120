// Links and requests. What comes over the connections is in link_engine_frames.cpp.
#include "cluster/transport/link_engine.hpp"

#include "actors/domain/assert.hpp"
#include "cluster/transport/frame_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace keyrack::cluster {

void link_engine::use_incarnation(std::int64_t me, steady_instant now, effects& out) {
  if (me == me_ || stopped_) return;
  me_ = me;
  for (auto& [incarnation, which] : outgoing_) drop(which, "this node has another incarnation by now", out);
  outgoing_.clear();
  out.links_changed = true;
  for (const auto& who : peers_) open(who, now, out);
  measure();
}

void link_engine::use_peers(std::vector<transport::peer> peers, steady_instant now, effects& out) {
  if (stopped_) return;
  peers_ = std::move(peers);
  for (auto i = outgoing_.begin(); i != outgoing_.end();) {
    auto& which = i->second;
    if (std::ranges::find(peers_, which.who) != peers_.end()) {
      ++i;
      continue;
    }
    drop(which, "that node is a member no more", out);
    i = outgoing_.erase(i);
    out.links_changed = true;
  }
  for (const auto& who : peers_) open(who, now, out);
  measure();
}

void link_engine::open(const transport::peer& who, steady_instant now, effects& out) {
  if (me_ == 0 || who.incarnation == me_ || who.incarnation == 0) return;
  const auto [i, made] = outgoing_.try_emplace(who.incarnation, bounds_, who, now);
  if (!made) return;
  out.links_changed = true;
  step(i->second, now, out);
}

void link_engine::drop(outgoing& which, std::string_view why, effects& out) {
  which.ledger.end(why, out.completed);
  which.ticket = 0;
  if (which.connection != 0) close(std::exchange(which.connection, 0), out);
}

void link_engine::show(outgoing& which, link_state before, std::string_view why, effects& out) {
  const auto now = which.link.shown();
  if (now == before) return;
  counters_.link_changes.of({std::string{to_text(now)}}).add();
  out.links_changed = true;
  out.log.push_back({which.who.incarnation, which.who.address, to_text(now), std::string{why}});
}

void link_engine::step(outgoing& which, steady_instant now, effects& out) {
  const auto before = which.link.shown();
  switch (which.link.step(now)) {
  case outgoing_link::action::none: return;
  case outgoing_link::action::dial:
    which.ticket = next_ticket_++;
    out.dials.push_back({which.ticket, which.who.address});
    return;
  case outgoing_link::action::ping: {
    link::Frame ping;
    ping.mutable_ping()->set_number(next_ping_++);
    return control(which.connection, std::move(ping), out);
  }
  case outgoing_link::action::give_up:
    drop(which, "that node does not answer", out);
    return show(which, before, "no answer in time", out);
  }
}

void link_engine::close(connection_id which, effects& out) {
  const auto found = connections_.find(which);
  KEYRACK_ASSERT(found != connections_.end());
  if (found->second.in && found->second.in->from == 0) --strangers_;
  connections_.erase(found);
  busy_.erase(which);
  closing_.push_back(which);
  out.port_has_work = true;
}

void link_engine::busy(connection_id which, effects& out) {
  if (busy_.insert(which).second) out.port_has_work = true;
}

void link_engine::control(connection_id on, link::Frame frame, effects& out) {
  connections_.at(on).control.push_back(std::move(frame));
  busy(on, out);
}

void link_engine::send(std::int64_t to, std::string bytes, steady_instant deadline,
                       std::function<void(transport::answer)> then, effects& out) {
  const auto refuse = [&](errc code, std::string why) {
    out.completed.push_back({std::move(then), std::unexpected{failure{code, outcome::not_applied, std::move(why)}}});
  };
  const auto found = outgoing_.find(to);
  if (found == outgoing_.end()) return refuse(errc::unavailable, fmt::format("node {} is not known here", to));
  auto& which = found->second;
  if (which.link.now_in() != outgoing_link::phase::linked) {
    return refuse(errc::unavailable, fmt::format("no link to node {}: {}", to, to_text(which.link.shown())));
  }
  if (!which.ledger.admits(bytes.size()) || bytes.size() > message_bytes_max) {
    counters_.refusals.of({"outgoing"}).add();
    return refuse(errc::overloaded, fmt::format("too much is unanswered at node {}", to));
  }
  which.ledger.add(std::move(bytes), deadline, std::move(then));
  busy(which.connection, out);
}

void link_engine::answer(connection_id on, std::uint64_t id, std::string bytes, effects& out) {
  const auto found = connections_.find(on);
  if (found == connections_.end()) return;  // the link has ended: nobody waits for it
  if (found->second.in->book.answer(id, std::move(bytes))) busy(on, out);
}

void link_engine::abandon(connection_id on, std::uint64_t id) {
  const auto found = connections_.find(on);
  if (found != connections_.end()) found->second.in->book.abandon(id);
}

std::vector<std::pair<std::int64_t, link_state>> link_engine::links() const {
  std::vector<std::pair<std::int64_t, link_state>> all;
  all.reserve(outgoing_.size());
  for (const auto& [incarnation, which] : outgoing_) all.emplace_back(incarnation, which.link.shown());
  return all;
}

void link_engine::dial_failed(std::uint64_t ticket, link_state why, std::string_view detail, steady_instant now,
                              effects& out) {
  const auto found =
      std::ranges::find_if(outgoing_, [&](const auto& each) { return ticket != 0 && each.second.ticket == ticket; });
  if (found == outgoing_.end()) return;
  auto& which = found->second;
  const auto before = which.link.shown();
  which.ticket = 0;
  which.link.dial_failed(why, now);
  show(which, before, detail, out);
}

connection_id link_engine::connected(std::uint64_t ticket, steady_instant now, effects& out) {
  const auto found =
      std::ranges::find_if(outgoing_, [&](const auto& each) { return ticket != 0 && each.second.ticket == ticket; });
  if (found == outgoing_.end()) return 0;
  auto& which = found->second;
  which.ticket = 0;
  which.connection = next_connection_++;
  connections_[which.connection].out = &which;
  which.link.connected(now);
  link::Frame frame;
  auto& hello = *frame.mutable_hello();
  hello.set_version_min(bounds_.versions.min);
  hello.set_version_max(bounds_.versions.max);
  hello.set_from(me_);
  hello.set_to(which.who.incarnation);
  control(which.connection, std::move(frame), out);
  return which.connection;
}

void link_engine::broken(connection_id which, std::string_view why, steady_instant now, effects& out) {
  const auto found = connections_.find(which);
  if (found == connections_.end()) return;
  auto* const from = found->second.out;
  if (from == nullptr) return close(which, out);
  const auto before = from->link.shown();
  drop(*from, why, out);
  from->link.broken(now);
  show(*from, before, why, out);
  step(*from, now, out);
}

void link_engine::tick(steady_instant now, effects& out) {
  // Whoever slept himself has not listened either: silence begins anew after a gap of one's own.
  const bool slept = now - last_tick_ > 2 * bounds_.timing.ping_period;
  last_tick_ = now;
  for (auto& [incarnation, which] : outgoing_) {
    if (slept) which.link.heard(now);
    which.ledger.expire(now, out.completed);
    step(which, now, out);
  }
  std::vector<connection_id> silent;
  for (auto& [id, each] : connections_) {
    if (!each.in) continue;
    if (slept && each.in->from != 0) each.in->ends_at = std::max(each.in->ends_at, now + bounds_.timing.silence);
    if (now >= each.in->ends_at) silent.push_back(id);
  }
  for (const auto id : silent) close(id, out);
  measure();
}

// A sample at each tick and whenever links go: nothing is counted where requests pass.
void link_engine::measure() {
  std::size_t requests = 0;
  std::size_t bytes = 0;
  std::size_t unsent = 0;
  std::size_t unanswered = 0;
  std::size_t answers = 0;
  int up = 0;
  double used = 0;
  for (const auto& [incarnation, which] : outgoing_) {
    requests += which.ledger.in_flight();
    bytes += which.ledger.bytes_in_flight();
    unsent += which.ledger.unsent();
    used = std::max(used, which.ledger.used());
    up += which.link.now_in() == outgoing_link::phase::linked ? 1 : 0;
  }
  for (const auto& [id, each] : connections_) {
    if (!each.in) continue;
    unanswered += each.in->book.unanswered();
    answers += each.in->book.unsent();
  }
  counters_.in_flight.set(static_cast<double>(requests));
  counters_.in_flight_bytes.set(static_cast<double>(bytes));
  counters_.unsent.set(static_cast<double>(unsent));
  counters_.credit_used_ratio.set(used);
  counters_.unanswered.set(static_cast<double>(unanswered));
  counters_.answers_unsent.set(static_cast<double>(answers));
  counters_.links_up.set(up);
}

steady_instant link_engine::next_due() const {
  steady_instant due{std::numeric_limits<std::int64_t>::max()};
  for (const auto& [incarnation, which] : outgoing_) {
    due = std::min(due, which.link.due());
    if (const auto deadline = which.ledger.next_deadline()) due = std::min(due, *deadline);
  }
  for (const auto& [id, each] : connections_) {
    if (each.in) due = std::min(due, each.in->ends_at);
  }
  // Often enough that a longer pause between two ticks means that this process slept.
  if (!connections_.empty()) due = std::min(due, last_tick_ + bounds_.timing.ping_period);
  return due;
}

void link_engine::stop(effects& out) {
  stopped_ = true;
  me_ = 0;
  for (auto& [incarnation, which] : outgoing_) drop(which, "this node stops", out);
  outgoing_.clear();
  while (!connections_.empty()) close(connections_.begin()->first, out);
  measure();
}

}  // namespace keyrack::cluster
