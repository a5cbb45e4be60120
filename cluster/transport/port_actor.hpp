// The port actor: one per process, a CAF broker on CAF's network thread, which owns the sockets of all links. Moves bytes, and
// bounds them; what they mean is decided behind transport_hub.
#pragma once

#include "cluster/transport/transport_hub.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include <memory>

namespace keyrack::cluster {

/// Begins to accept on a socket that listens. With `tls`, every connection is encrypted, and both sides must show a
/// certificate. The actor ends when it is told to exit, and has closed everything then.
caf::actor spawn_port(caf::actor_system& system, std::shared_ptr<transport_hub> hub, unique_fd listening, bool tls);

}  // namespace keyrack::cluster
