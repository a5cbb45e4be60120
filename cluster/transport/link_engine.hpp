// All links of a node: who is linked, what goes to whom, what is answered. Decides and sends nothing: what is to be done comes
// out as `effects`, and what is to be written is fetched by whoever owns the sockets. Pure; its caller holds the lock, knows
// the time, and carries the effects out after it has let go of the lock.
#pragma once

#include "cluster/proto/transport.pb.h"
#include "cluster/transport.hpp"
#include "cluster/transport/answer_book.hpp"
#include "cluster/transport/outgoing_link.hpp"
#include "cluster/transport/request_ledger.hpp"

#include <map>
#include <set>

namespace keyrack::cluster {

/// A connection, in the order of their making. 0: none.
using connection_id = std::uint64_t;

struct engine_bounds {
  link_timing timing;
  std::size_t in_flight_max = 0;        ///< requests, per peer and direction
  std::size_t in_flight_bytes_max = 0;  ///< their bytes
  std::size_t frame_bytes_max = 0;
  std::size_t strangers_max = 64;  ///< connections that have not greeted yet
  protocol_range versions;
};

struct effects {
  struct dial {
    std::uint64_t ticket = 0;
    std::string address;
  };
  struct incoming_request {
    connection_id connection = 0;
    std::uint64_t id = 0;
    std::int64_t from = 0;
    steady_instant deadline;
    std::string bytes;
  };
  struct line {
    std::int64_t peer = 0;
    std::string address;
    std::string_view what;
    std::string detail;
  };
  std::vector<dial> dials;
  std::vector<incoming_request> requests;
  std::vector<completion> completed;
  std::vector<line> log;
  bool links_changed = false;
  bool port_has_work = false;
};

class link_engine {
public:
  link_engine(const engine_bounds& bounds, transport_metrics& counters) : bounds_(bounds), counters_(counters) {}

  void use_incarnation(std::int64_t me, steady_instant now, effects& out);
  void use_peers(std::vector<transport::peer> peers, steady_instant now, effects& out);
  void send(std::int64_t to, std::string bytes, steady_instant deadline, std::function<void(transport::answer)> then,
            effects& out);
  void answer(connection_id on, std::uint64_t id, std::string bytes, effects& out);
  void abandon(connection_id on, std::uint64_t id);
  std::vector<std::pair<std::int64_t, link_state>> links() const;

  void dial_failed(std::uint64_t ticket, link_state why, std::string_view detail, steady_instant now, effects& out);
  /// A dial has succeeded. 0: nobody wants it any more; close it.
  connection_id connected(std::uint64_t ticket, steady_instant now, effects& out);
  /// Somebody has connected. 0: there are too many strangers; close it.
  connection_id accepted(steady_instant now);
  /// Bytes have come, and these are the whole frames among them.
  void received(connection_id on, std::vector<link::Frame> frames, steady_instant now, effects& out);
  /// The peer takes what is sent, and there is more of it.
  void progressed(connection_id on, steady_instant now);
  /// The connection broke, or what comes over it is not our protocol.
  void broken(connection_id which, std::string_view why, steady_instant now, effects& out);

  /// The next frame for a connection, if there is any.
  std::optional<link::Frame> next_frame(connection_id on, steady_instant now);
  /// Connections that have something to send, and those that are to be closed, each once. The second are known no more;
  /// what was fetched for them may be sent, but not waited for.
  std::vector<connection_id> take_busy();
  std::vector<connection_id> take_closing() { return std::exchange(closing_, {}); }
  /// Whether the peer has been welcomed or has welcomed us: then it may send large frames.
  bool greeted(connection_id which) const;

  /// Time has passed.
  void tick(steady_instant now, effects& out);
  /// When `tick` is due next.
  steady_instant next_due() const;
  /// Ends everything.
  void stop(effects& out);

private:
  struct outgoing {
    outgoing(const engine_bounds& b, transport::peer who_is, steady_instant now)
        : who(std::move(who_is)),
          link(b.timing, now),
          ledger({.requests = b.in_flight_max, .bytes = b.in_flight_bytes_max}) {}
    transport::peer who;
    outgoing_link link;
    request_ledger ledger;
    connection_id connection = 0;
    std::uint64_t ticket = 0;  // of the dial under way
  };
  struct incoming {
    explicit incoming(const engine_bounds& b) : book({.requests = b.in_flight_max, .bytes = b.in_flight_bytes_max}) {}
    std::int64_t from = 0;  // 0: has not greeted
    std::int64_t to = 0;
    steady_instant ends_at;  // if nothing is heard until then
    answer_book book;
  };
  struct connection {
    std::vector<link::Frame> control;  // greetings, pings: go before all else
    outgoing* out = nullptr;           // one of the two
    std::unique_ptr<incoming> in;
  };
  using connections = std::map<connection_id, connection>;

  // link_engine.cpp
  void open(const transport::peer& who, steady_instant now, effects& out);
  void drop(outgoing& which, std::string_view why, effects& out);
  void step(outgoing& which, steady_instant now, effects& out);
  void show(outgoing& which, link_state before, std::string_view why, effects& out);
  void close(connection_id which, effects& out);
  void control(connection_id on, link::Frame frame, effects& out);
  void busy(connection_id which, effects& out);
  void measure();
  // link_engine_frames.cpp
  bool take_outgoing(connection_id on, outgoing& from, link::Frame& frame, steady_instant now, effects& out);
  bool take_incoming(connection_id on, incoming& from, link::Frame& frame, steady_instant now, effects& out);
  bool take_hello(connection_id on, incoming& from, const link::Hello& hello, steady_instant now, effects& out);
  void take_requests(connection_id on, incoming& from, link::Requests& requests, steady_instant now, effects& out);
  void take_answers(outgoing& from, link::Answers& answers, steady_instant now, effects& out);
  std::string objection(const link::Hello& hello) const;

  const engine_bounds bounds_;
  transport_metrics& counters_;
  std::int64_t me_ = 0;
  bool stopped_ = false;
  std::vector<transport::peer> peers_;
  std::map<std::int64_t, outgoing> outgoing_;
  connections connections_;
  std::set<connection_id> busy_;
  std::vector<connection_id> closing_;
  std::size_t strangers_ = 0;
  steady_instant last_tick_;
  std::uint64_t next_connection_ = 1;
  std::uint64_t next_ticket_ = 1;
  std::uint64_t next_ping_ = 1;
};

}  // namespace keyrack::cluster
