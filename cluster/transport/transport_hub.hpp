// Where the threads meet: the engine under its lock, the clock that ticks it, the dialer, and the way to the port actor. Owns
// the order "decide under the lock, act without it". Knows no socket and names no CAF network.
#pragma once

#include "cluster/transport.hpp"
#include "cluster/transport/dialer.hpp"
#include "cluster/transport/link_engine.hpp"

#include <caf/actor.hpp>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace keyrack::cluster {

class transport_hub : public std::enable_shared_from_this<transport_hub> {
public:
  explicit transport_hub(transport::environment env);
  ~transport_hub();

  /// Begins: the port actor is there. Called once.
  void begin(caf::actor port);
  /// All is answered and closed; no callback comes from here any more. The port actor is given back, to be ended.
  caf::actor end();

  // As transport. Any thread.
  void use_incarnation(std::int64_t me);
  void use_peers(std::vector<transport::peer> peers);
  void send(std::int64_t to, std::string bytes, steady_instant deadline, std::function<void(transport::answer)> then);
  std::vector<std::pair<std::int64_t, link_state>> links() const;

  // Of the port actor's thread, which calls `take_work` after `received`.
  struct dialed {
    std::uint64_t ticket = 0;
    unique_fd fd;
  };
  struct port_work {
    std::vector<dialed> sockets;
    std::vector<connection_id> closing;
    std::vector<connection_id> busy;
  };
  port_work take_work();
  connection_id connected(std::uint64_t ticket);
  connection_id accepted();
  void received(connection_id on, std::vector<link::Frame> frames);
  void progressed(connection_id which);
  void broken(connection_id which, std::string_view why);
  std::optional<link::Frame> next_frame(connection_id on);
  bool greeted(connection_id which) const;
  const transport::environment& env() const { return env_; }

private:
  template <typename Change>
  auto decide(Change change);
  void carry_out(effects out, const caf::actor& woken);
  void deliver(effects::incoming_request request);
  void on_dialed(std::uint64_t ticket, dial_result result);
  void run_clock();

  const transport::environment env_;
  transport_metrics& counters_;
  mutable std::mutex mutex_;
  link_engine engine_;
  std::vector<dialed> sockets_;
  caf::actor port_;
  bool port_awake_ = false;  // a flush_batch is on its way to it
  bool ending_ = false;
  std::condition_variable clock_changed_;
  steady_instant clock_wakes_at_;
  std::thread clock_;
  std::unique_ptr<dialer> dialer_;
};

}  // namespace keyrack::cluster
