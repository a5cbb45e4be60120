// What comes over the connections, and what leaves over them.
#include "cluster/transport/frame_limits.hpp"
#include "cluster/transport/link_engine.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace keyrack::cluster {

namespace {

std::optional<std::uint32_t> common_version(protocol_range mine, const link::Hello& hello) {
  const auto version = std::min(mine.max, hello.version_max());
  if (version < mine.min || version < hello.version_min()) return std::nullopt;
  return version;
}

}  // namespace

connection_id link_engine::accepted(steady_instant now) {
  if (strangers_ >= bounds_.strangers_max || stopped_) return 0;
  ++strangers_;
  const auto id = next_connection_++;
  auto& made = connections_[id];
  made.in = std::make_unique<incoming>(bounds_);
  made.in->ends_at = now + bounds_.timing.greeting_timeout;
  return id;
}

bool link_engine::greeted(connection_id which) const {
  const auto found = connections_.find(which);
  if (found == connections_.end()) return false;
  const auto& c = found->second;
  return c.out != nullptr ? c.out->link.now_in() == outgoing_link::phase::linked : c.in->from != 0;
}

void link_engine::received(connection_id on, std::vector<link::Frame> frames, steady_instant now, effects& out) {
  const auto found = connections_.find(on);
  if (found == connections_.end()) return;
  auto* const out_link = found->second.out;
  auto* const in_link = found->second.in.get();
  if (out_link != nullptr) {
    out_link->link.heard(now);
  } else if (in_link->from != 0 && in_link->to == me_) {
    in_link->ends_at = now + bounds_.timing.silence;
  }
  for (auto& frame : frames) {
    const bool sensible = out_link != nullptr ? take_outgoing(on, *out_link, frame, now, out)
                                              : take_incoming(on, *in_link, frame, now, out);
    if (!sensible) return broken(on, "it sent what the protocol does not allow", now, out);
    if (!connections_.contains(on)) return;
  }
}

void link_engine::progressed(connection_id on, steady_instant now) {
  const auto found = connections_.find(on);
  if (found != connections_.end() && found->second.out != nullptr) found->second.out->link.heard(now);
}

bool link_engine::take_outgoing(connection_id on, outgoing& from, link::Frame& frame, steady_instant now,
                                effects& out) {
  const auto before = from.link.shown();
  const bool linked = from.link.now_in() == outgoing_link::phase::linked;
  switch (frame.what_case()) {
  case link::Frame::kWelcome:
    if (linked || frame.welcome().from() != from.who.incarnation) return false;
    from.link.welcomed(now);
    show(from, before, fmt::format("protocol version {}", frame.welcome().version()), out);
    return true;
  case link::Frame::kRefused:
    drop(from, frame.refused().why(), out);
    from.link.turned_away(now);
    show(from, before, frame.refused().why(), out);
    return true;
  case link::Frame::kAnswers:
    if (!linked) return false;
    take_answers(from, *frame.mutable_answers(), now, out);
    return true;
  case link::Frame::kPong: return linked;
  default: static_cast<void>(on); return false;
  }
}

void link_engine::take_answers(outgoing& from, link::Answers& answers, steady_instant now, effects& out) {
  const auto failed = [](errc code, outcome o, std::string_view why) {
    return std::unexpected{failure{code, o, std::string{why}}};
  };
  for (auto& each : *answers.mutable_all()) {
    transport::answer result;
    switch (each.failure()) {
    case link::NONE: result = std::move(*each.mutable_what()); break;
    case link::FENCED:
      result = failed(errc::fenced, outcome::not_applied, "that node has another incarnation by now");
      break;
    case link::OVERLOADED:
      result = failed(errc::overloaded, outcome::not_applied, "that node has too many requests of this one");
      break;
    default: result = failed(errc::unavailable, outcome::unknown, "that node's answer was too large to send");
    }
    auto ended = from.ledger.answer(each.id(), std::move(result));
    if (!ended) {
      counters_.late_answers.add();
      continue;
    }
    counters_.round_trip_seconds.observe(now - ended->sent_at);
    out.completed.push_back(std::move(ended->call));
  }
}

std::string link_engine::objection(const link::Hello& hello) const {
  if (me_ == 0) return "this node has no incarnation now";
  if (hello.from() == me_) return fmt::format("this node is {} itself", me_);
  if (hello.to() != me_) return fmt::format("this node is {}, not {}", me_, hello.to());
  if (hello.from() <= 0) return fmt::format("{} is not an incarnation", hello.from());
  if (common_version(bounds_.versions, hello)) return {};
  // Read in the log of the other one: "this node" would be the wrong one there.
  return fmt::format("node {} speaks versions {} to {} of the protocol between nodes, node {} speaks {} to {}: upgrade "
                     "one version at a time",
                     me_, bounds_.versions.min, bounds_.versions.max, hello.from(), hello.version_min(),
                     hello.version_max());
}

bool link_engine::take_hello(connection_id on, incoming& from, const link::Hello& hello, steady_instant now,
                             effects& out) {
  link::Frame reply;
  auto why = objection(hello);
  if (!why.empty()) {
    // The peer closes when it has read this; if it does not, its time as a stranger runs out.
    reply.mutable_refused()->set_why(std::move(why));
    control(on, std::move(reply), out);
    return true;
  }
  // A peer has one link at a time: the older one broke in a way that was not seen here.
  const auto older = std::ranges::find_if(
      connections_, [&](const auto& each) { return each.second.in && each.second.in->from == hello.from(); });
  if (older != connections_.end()) close(older->first, out);
  from.from = hello.from();
  from.to = hello.to();
  from.ends_at = now + bounds_.timing.silence;
  --strangers_;
  reply.mutable_welcome()->set_version(*common_version(bounds_.versions, hello));
  reply.mutable_welcome()->set_from(me_);
  control(on, std::move(reply), out);
  return true;
}

bool link_engine::take_incoming(connection_id on, incoming& from, link::Frame& frame, steady_instant now,
                                effects& out) {
  // One who does not take our frames and goes on asking for more of them is not waited for.
  constexpr std::size_t control_frames_max = 16;
  if (connections_.at(on).control.size() >= control_frames_max) return false;
  const bool stranger = from.from == 0;
  switch (frame.what_case()) {
  case link::Frame::kHello: return stranger && take_hello(on, from, frame.hello(), now, out);
  case link::Frame::kRequests:
    if (stranger) return false;
    take_requests(on, from, *frame.mutable_requests(), now, out);
    return !from.book.overflows();
  case link::Frame::kPing: {
    if (stranger) return false;
    link::Frame reply;
    if (from.to == me_) {
      reply.mutable_pong()->set_number(frame.ping().number());
    } else {
      reply.mutable_refused()->set_why("this node has another incarnation by now");
    }
    control(on, std::move(reply), out);
    return true;
  }
  default: return false;
  }
}

void link_engine::take_requests(connection_id on, incoming& from, link::Requests& requests, steady_instant now,
                                effects& out) {
  for (auto& each : *requests.mutable_all()) {
    if (from.to != me_) {
      from.book.refuse(each.id(), link::FENCED);
    } else if (!from.book.admit(each.id(), each.what().size())) {
      counters_.refusals.of({"incoming"}).add();
      from.book.refuse(each.id(), link::OVERLOADED);
    } else {
      // No request lives longer than a day: the sum must not overflow, whatever a peer says.
      const auto remaining = std::chrono::milliseconds{std::min<std::uint64_t>(each.remaining_ms(), 86'400'000)};
      out.requests.push_back({.connection = on,
                              .id = each.id(),
                              .from = from.from,
                              .deadline = now + remaining,
                              .bytes = std::move(*each.mutable_what())});
    }
  }
  if (from.book.has_answers()) busy(on, out);
}

std::optional<link::Frame> link_engine::next_frame(connection_id on, steady_instant now) {
  const auto found = connections_.find(on);
  if (found == connections_.end()) return std::nullopt;
  auto& from = found->second;
  if (!from.control.empty()) {
    auto frame = std::move(from.control.front());
    from.control.erase(from.control.begin());
    return frame;
  }
  link::Frame frame;
  if (from.out != nullptr) {
    for (auto& leaving : from.out->ledger.leave(bounds_.frame_bytes_max, now)) {
      auto& request = *frame.mutable_requests()->add_all();
      const auto remaining = std::chrono::duration_cast<std::chrono::milliseconds>(leaving.deadline - now).count();
      request.set_id(leaving.id);
      request.set_remaining_ms(static_cast<std::uint64_t>(std::max<std::int64_t>(remaining, 1)));
      request.set_what(std::move(leaving.bytes));
    }
  } else if (from.in->book.has_answers()) {
    from.in->book.leave(bounds_.frame_bytes_max, *frame.mutable_answers());
  }
  if (frame.what_case() == link::Frame::WHAT_NOT_SET) return std::nullopt;
  return frame;
}

std::vector<connection_id> link_engine::take_busy() {
  std::vector<connection_id> all{busy_.begin(), busy_.end()};
  busy_.clear();
  return all;
}

}  // namespace keyrack::cluster
