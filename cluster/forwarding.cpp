#include "cluster/forwarding.hpp"

#include "cluster/wire_codec.hpp"
#include "config/log.hpp"

#include <cluster/proto/peer.pb.h>

#include <algorithm>
#include <utility>

namespace keyrack::cluster {

namespace {

using namespace std::chrono_literals;

constexpr auto hint_time_max = 1s;

std::chrono::milliseconds until(steady_instant deadline) {
  return std::max(0ms, std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_now()));
}

/// Given back by the owner's node: the hotel is elsewhere, or cannot be had there at the moment.
bool is_for_routers(const failure& f) {
  return f.code == errc::moving || f.code == errc::fenced || f.code == errc::unavailable;
}

/// The way back of one forwarded command. What rests on memory is held to this node's lease as it leaves.
class remote_reply final : public reply_port {
public:
  remote_reply(read_lease& lease, const value_codec& values, steady_instant deadline, transport::respond respond)
      : lease_(lease), values_(values), deadline_(deadline), respond_(std::move(respond)) {}

  void deliver(std::vector<reply> replies) override {
    for (auto& r : replies) leave(std::move(r.answer));
  }

private:
  void leave(answer_envelope answer) {
    const auto* memory = std::get_if<leased>(&answer.rests_on);
    if (memory == nullptr || lease_.covers(*memory)) return respond_(encode_answer(answer, values_));
    const auto rests_on = *memory;
    lease_.await_beat(rests_on, deadline_,
                      [answer = std::move(answer), respond = respond_, &values = values_](bool covered) mutable {
                        if (!covered) {
                          answer.body = failure{errc::fenced, outcome::not_applied, "the owner lost its place"};
                        }
                        respond(encode_answer(answer, values));
                      });
  }

  read_lease& lease_;
  const value_codec& values_;
  const steady_instant deadline_;
  const transport::respond respond_;
};

void prepare(const forwarding::environment& env, const wire::PeerRequest::Prepare& asked, transport::respond respond) {
  if (asked.shard() < 0 || asked.shard() >= shards_count) return respond({});
  std::vector<hotel_id> hotels;
  hotels.reserve(static_cast<std::size_t>(asked.hotels_size()));
  for (const auto id : asked.hotels()) hotels.push_back(hotel_id{id});
  env.on_prepare(static_cast<shard_id>(asked.shard()), std::move(hotels),
                 [respond = std::move(respond)] { respond({}); });
}

}  // namespace

void forwarding::forward(incarnation_id to, std::int64_t row_version, envelope_ptr e) {
  wire::PeerRequest message;
  message.set_hotel_request(encode_request(*e, until(e->deadline), env_.values));
  message.set_row_version(row_version);
  env_.counters.router.forwarded.add();
  const auto deadline = e->deadline;
  transport_->send(to, message.SerializeAsString(), deadline,
                   [self = shared_from_this(), e = std::move(e)](transport::answer answer) {
                     self->take_answer(e, std::move(answer));
                   });
}

void forwarding::take_answer(const envelope_ptr& e, transport::answer answer) {
  if (!answer) {
    auto why = std::move(answer.error());
    if (!e->is_command()) why.outcome = outcome::not_applied;  // a question has no effect
    return env_.router->bounce({e}, why);
  }
  auto decoded = decode_answer(*answer, env_.values);
  if (!decoded) {
    log_error("an answer of another node cannot be read", {{"detail", decoded.error()}, {"request_id", e->request_id}});
    return env_.router->bounce({e}, {errc::unavailable, e->is_command() ? outcome::unknown : outcome::not_applied,
                                     "the answer of the hotel's node could not be read"});
  }
  if (const auto* f = std::get_if<failure>(&decoded->body); f != nullptr && is_for_routers(*f)) {
    return env_.router->bounce({e}, *f);
  }
  e->reply_to->deliver({{e->correlation, std::move(*decoded)}});
}

void forwarding::on_request(incarnation_id from, const std::string& bytes, steady_instant deadline,
                            transport::respond respond) {
  wire::PeerRequest message;
  if (!message.ParseFromString(bytes)) {
    log_error("a request of another node cannot be read", {{"from", from}});
    return;  // its deadline tells it
  }
  switch (message.body_case()) {
  case wire::PeerRequest::kHotelRequest:
    return serve(message.hotel_request(), message.row_version(), deadline, std::move(respond));
  case wire::PeerRequest::kRoutesChanged: env_.on_routes_changed(); return respond({});
  case wire::PeerRequest::kPrepare: return prepare(env_, message.prepare(), std::move(respond));
  case wire::PeerRequest::BODY_NOT_SET: return respond({});  // a hint of a later version
  }
}

void forwarding::serve(const std::string& bytes, std::int64_t row_version, steady_instant deadline,
                       transport::respond respond) {
  auto request = decode_request(bytes, env_.values);
  if (!request) {
    log_error("a command of another node cannot be read", {{"detail", request.error()}});
    answer_envelope answer;
    answer.rests_on = durable{};
    answer.body = failure{errc::unavailable, outcome::not_applied, "the hotel's node does not understand the command"};
    return respond(encode_answer(answer, env_.values));
  }
  auto e = std::make_shared<envelope>();
  e->hotel = request->hotel;
  e->request = std::move(request->request);
  e->body = std::move(request->body);
  e->personal = std::move(request->personal);
  e->deadline = std::min(deadline, steady_now() + request->remaining);
  e->request_id = std::move(request->request_id);
  e->in_doubt = request->in_doubt;
  e->forwarded = true;
  e->reply_to = std::make_shared<remote_reply>(env_.lease, env_.values, e->deadline, std::move(respond));
  env_.router->accept(std::move(e), row_version);
}

void forwarding::ask_to_prepare(incarnation_id peer, shard_id shard, const std::vector<hotel_id>& hotels,
                                steady_instant deadline, std::function<void()> done) {
  wire::PeerRequest message;
  auto& asked = *message.mutable_prepare();
  asked.set_shard(shard);
  for (const auto id : hotels) asked.add_hotels(id.value);
  transport_->send(peer, message.SerializeAsString(), deadline,
                   [done = std::move(done)](const transport::answer&) { done(); });
}

void forwarding::tell_routes_changed(const std::vector<incarnation_id>& peers) {
  wire::PeerRequest message;
  message.mutable_routes_changed();
  const auto bytes = message.SerializeAsString();
  const auto deadline = steady_now() + hint_time_max;
  for (const auto peer : peers) {
    transport_->send(peer, bytes, deadline, [](const transport::answer&) {});
  }
}

}  // namespace keyrack::cluster
