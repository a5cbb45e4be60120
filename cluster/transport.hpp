// Bytes between nodes, by incarnation: the one seam, behind which everything of CAF's network is kept. Knows nothing of what
// the bytes mean, of shards, or of who should be asked; promises that every request is answered once, in bounded memory,
// soon after its deadline at the latest, whatever the network does.
//
// A link belongs to two incarnations, mine and its, and is opened by whoever has requests: answers come back over it.
//
//   connecting ──► linked ──► (broken) connecting ──► refused | lost | rejected ──► linked
#pragma once

#include "actors/envelope.hpp"
#include "config/metrics.hpp"
#include "config/settings.hpp"

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace caf {
class actor_system;
class actor_system_config;
}  // namespace caf

namespace keyrack::cluster {

/// How things stand with an outgoing link: what the last attempt found.
enum class link_state : std::uint8_t {
  connecting,  ///< not known yet, or just broken and being asked again
  linked,
  refused,   ///< nobody listens there: the peer's process is gone, or a firewall rejects
  lost,      ///< no answer in time: frozen, cut off, or not one of us
  rejected,  ///< another incarnation answers there, or one that speaks no common version
};
std::string_view to_text(link_state state);

/// Versions of the protocol that a program speaks.
struct protocol_range {
  std::uint32_t min = 1;
  std::uint32_t max = 1;
};

/// Thread-safe, unless a function says otherwise.
class transport {
public:
  using answer = std::expected<std::string, failure>;
  /// Sends the answer. At most once (more is ignored), any thread, also after the transport has ended. A request whose
  /// `respond` is destroyed uncalled is never answered; its sender's deadline covers that.
  using respond = std::function<void(std::string)>;
  struct peer {
    std::int64_t incarnation = 0;
    std::string address;  ///< host:port, or [IPv6]:port
    bool operator==(const peer&) const = default;
  };
  struct environment {
    transport_settings settings;
    metrics* counters = nullptr;  ///< outlives the transport
    /// A peer asks. On the network's thread: it must not block, and not wait for this transport.
    std::function<void(std::int64_t from, std::string bytes, steady_instant deadline, respond)> on_request;
    /// `links` has changed. On any thread; must not block.
    std::function<void()> on_links_changed;
    protocol_range versions;
  };

  /// Prepares the actor system's configuration for `start`: loads CAF's network module and, with certificates, its TLS
  /// module. An error is a sentence for an operator: TLS half configured, or files that cannot be read.
  ///
  /// With TLS each side demands a certificate of the other that the CA has signed. CAF checks no names in it: *every*
  /// holder of such a certificate is a node of this cluster to us. So the CA must be one that signs nothing else.
  static std::expected<void, std::string> prepare(caf::actor_system_config& config, const transport_settings& settings);

  /// Listens. The configuration of `system` must have been prepared, and the transport must end before it: an actor
  /// system waits for all its actors. An error is a sentence for an operator.
  static std::expected<std::shared_ptr<transport>, std::string> start(caf::actor_system& system, environment env);

  /// Ends as `stop` does.
  virtual ~transport() = default;

  /// Where it listens.
  virtual std::uint16_t port() const = 0;

  /// Who this node is from now on; 0: nobody. All links are made anew. Requests that peers send to somebody else than
  /// this are refused: fenced, not applied.
  virtual void use_incarnation(std::int64_t me) = 0;

  /// All others that there are. Links to others are closed; missing ones are opened, and opened again when they break.
  /// One that was not named before, or with another address, is tried at once.
  virtual void use_peers(std::vector<peer> peers) = 0;

  /// Asks. `then` is called once: with the answer, or with a failure that says whether the request may have been applied:
  ///   overloaded, not_applied          too much is unanswered at this peer; at once, on the caller's thread
  ///   unavailable, not_applied         no link, or it broke before the request left; at once if there is no link
  ///   unavailable, unknown             the link broke afterwards
  ///   deadline_exceeded, unknown       no answer; not_applied if it never left
  ///   fenced, not_applied              the peer is another incarnation by now
  /// It runs on the caller's, the network's or the clock's thread, and must not block.
  virtual void send(std::int64_t to, std::string bytes, steady_instant deadline, std::function<void(answer)> then) = 0;

  /// The outgoing links: one for each peer of `use_peers`, while there is an incarnation.
  virtual std::vector<std::pair<std::int64_t, link_state>> links() const = 0;

  /// Ends everything: pending requests are answered, no callback begins after it has returned. Not from a callback.
  virtual void stop() = 0;
};

}  // namespace keyrack::cluster
