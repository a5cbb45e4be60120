// The seam's shell: prepares CAF, opens the port, starts and ends hub and port actor.
#include "cluster/transport.hpp"
#include "cluster/transport/port_actor.hpp"
#include "cluster/transport/sockets.hpp"
#include "cluster/transport/tls_sockets.hpp"
#include "cluster/transport/transport_hub.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/openssl/manager.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

namespace keyrack::cluster {

namespace {

class caf_transport final : public transport {
public:
  caf_transport(caf::actor_system& system, std::shared_ptr<transport_hub> hub, std::uint16_t port)
      : system_(system), hub_(std::move(hub)), port_(port) {}
  caf_transport(const caf_transport&) = delete;
  ~caf_transport() override { stop_once(); }

  std::uint16_t port() const override { return port_; }
  void use_incarnation(std::int64_t me) override { hub_->use_incarnation(me); }
  void use_peers(std::vector<peer> peers) override { hub_->use_peers(std::move(peers)); }
  void send(std::int64_t to, std::string bytes, steady_instant deadline, std::function<void(answer)> then) override {
    hub_->send(to, std::move(bytes), deadline, std::move(then));
  }
  std::vector<std::pair<std::int64_t, link_state>> links() const override { return hub_->links(); }
  void stop() override { stop_once(); }

private:
  void stop_once() {
    const auto port_actor = hub_->end();
    if (!port_actor) return;
    caf::anon_send_exit(port_actor, caf::exit_reason::user_shutdown);
    caf::scoped_actor self{system_};
    self->wait_for(port_actor);
  }

  caf::actor_system& system_;
  const std::shared_ptr<transport_hub> hub_;
  const std::uint16_t port_;
};

}  // namespace

std::string_view to_text(link_state state) {
  switch (state) {
  case link_state::connecting: return "connecting";
  case link_state::linked: return "linked";
  case link_state::refused: return "refused";
  case link_state::lost: return "lost";
  case link_state::rejected: return "rejected";
  }
  return "";
}

std::expected<void, std::string> transport::prepare(caf::actor_system_config& config,
                                                    const transport_settings& settings) {
  const auto tls = wants_tls(settings);
  if (!tls) return std::unexpected{tls.error()};
  config.load<caf::io::middleman>();
  if (*tls) {
    config.load<caf::openssl::manager>();
    config.openssl_certificate = settings.certificate;
    config.openssl_key = settings.key;
    config.openssl_cafile = settings.ca;
  }
  return {};
}

std::expected<std::shared_ptr<transport>, std::string> transport::start(caf::actor_system& system, environment env) {
  const auto tls = wants_tls(env.settings);
  if (!tls) return std::unexpected{tls.error()};
  if (!system.has_middleman() || (*tls && !system.has_openssl_manager())) {
    return std::unexpected{std::string{"the actor system was not prepared for the network"}};
  }
  if (*tls) {
    if (auto usable = check_certificates(system, env.settings); !usable) return std::unexpected{usable.error()};
  }
  auto listening = listen_on(env.settings.host, env.settings.port);
  if (!listening) return std::unexpected{listening.error()};
  const auto port = port_of(listening->get());
  auto hub = std::make_shared<transport_hub>(std::move(env));
  hub->begin(spawn_port(system, hub, std::move(*listening), *tls));
  return std::make_shared<caf_transport>(system, std::move(hub), port);
}

}  // namespace keyrack::cluster
