// Why a broker of our own, and not a published actor with CAF's own protocol (BASP) between the nodes. As CAF 0.17's source
// has it: BASP lets whoever reaches the port send messages to any actor by its number, and allocate 4 GiB by a header; it
// cannot close one connection; two nodes that connect to each other at once may both close; writes are not bounded; and a
// peer that stopped reading keeps the process from ending. A broker has none of that, and saves a thread's turn per message.
#include "cluster/transport/port_actor.hpp"

#include "actors/messages.hpp"
#include "cluster/transport/frame_limits.hpp"
#include "cluster/transport/frame_stream.hpp"
#include "cluster/transport/tls_sockets.hpp"
#include "config/log.hpp"

#include <caf/io/broker.hpp>
#include <caf/io/middleman.hpp>
#include <sys/socket.h>

#include <span>
#include <unordered_map>

namespace keyrack::cluster {

namespace {

using caf::io::connection_handle;

constexpr std::size_t read_bytes = 65'536;

class port {
public:
  port(caf::io::broker* self, std::shared_ptr<transport_hub> hub, bool tls)
      : self_(self), hub_(std::move(hub)), tls_(tls), counters_(hub_->env().counters->transport) {}

  void on_accepted(connection_handle handle) {
    // CAF hands out a connection that was gone before it could be accepted.
    if (handle.id() < 0) return;
    if (const auto id = hub_->accepted(); id != 0) return add(id, handle);
    abort(handle);
  }

  void on_data(connection_handle handle, const std::vector<char>& bytes) {
    const auto found = sockets_.find(handle);
    if (found == sockets_.end()) return;
    auto& from = found->second;
    bytes_in_.add(bytes.size());
    std::vector<std::string> texts;
    bool sensible = from.stream.take(bytes, texts);
    frames_in_.add(texts.size());
    std::vector<link::Frame> frames(texts.size());
    for (std::size_t i = 0; i < texts.size() && sensible; ++i) sensible = frames[i].ParseFromString(texts[i]);
    const auto id = from.id;
    if (!sensible) {
      hub_->broken(id, "it does not speak this protocol");
    } else {
      hub_->received(id, std::move(frames));
      if (!from.greeted && hub_->greeted(id)) {
        from.greeted = true;
        from.stream.allow(frame_bytes_limit);
      }
    }
    work();
  }

  void on_written(connection_handle handle, std::size_t written, std::size_t unwritten) {
    const auto found = sockets_.find(handle);
    if (found == sockets_.end()) return;
    found->second.unwritten = unwritten;
    // Who takes much of us slowly cannot answer a ping that is behind it. (The last bytes say nothing: the system takes
    // so much for a peer that is frozen, too.)
    if (written > 0 && unwritten > 0) hub_->progressed(found->second.id);
    fill(handle, found->second);
  }

  void on_closed(connection_handle handle) {
    const auto found = sockets_.find(handle);
    if (found == sockets_.end()) return;
    const auto id = found->second.id;
    handles_.erase(id);
    sockets_.erase(found);
    hub_->broken(id, "the connection was closed");
    work();
  }

  /// Takes over what was dialed, closes what must be closed, sends what waits.
  void work() {
    auto todo = hub_->take_work();
    for (const auto id : todo.closing) {
      if (const auto found = handles_.find(id); found != handles_.end()) abort(found->second);
    }
    for (auto& dialed : todo.sockets) {
      const auto id = hub_->connected(dialed.ticket);
      if (id == 0) continue;
      if (!tls_) {
        add(id, self_->add_scribe(dialed.fd.release()));
      } else if (const auto handle = add_tls_connection(*self_, dialed.fd.release())) {
        add(id, *handle);
      } else {
        hub_->broken(id, "the TLS handshake could not begin");
      }
    }
    for (const auto id : todo.busy) {
      const auto found = handles_.find(id);
      if (found != handles_.end()) fill(found->second, sockets_.at(found->second));
    }
  }

  void close_all() {
    while (!sockets_.empty()) abort(sockets_.begin()->first);
    self_->close_all();
  }

private:
  struct socket {
    connection_id id = 0;
    frame_stream stream{greeting_bytes_max};
    std::size_t unwritten = 0;
    bool greeted = false;
  };

  void add(connection_id id, connection_handle handle) {
    sockets_[handle].id = id;
    handles_[id] = handle;
    self_->ack_writes(handle, true);
    self_->configure_read(handle, caf::io::receive_policy::at_most(read_bytes));
  }

  // CAF's `close` waits until the peer has taken all that was written, and the process cannot end before that. What is in
  // the system's own buffer still goes out.
  void abort(connection_handle handle) {
    ::shutdown(static_cast<int>(handle.id()), SHUT_RDWR);
    self_->close(handle);
    if (const auto found = sockets_.find(handle); found != sockets_.end()) {
      handles_.erase(found->second.id);
      sockets_.erase(found);
    }
  }

  // Hands CAF about one frame more than the system takes at once: the rest waits where it can still be taken back.
  void fill(connection_handle handle, socket& to) {
    const auto bound = static_cast<std::size_t>(hub_->env().settings.frame_bytes_max);
    bool any = false;
    while (to.unwritten < bound) {
      const auto frame = hub_->next_frame(to.id);
      if (!frame) break;
      auto& buffer = self_->wr_buf(handle);
      const auto before = buffer.size();
      const auto size = frame->ByteSizeLong();
      append_frame_head(buffer, size);
      const auto body = buffer.size();
      buffer.resize(body + size);
      frame->SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(buffer.data() + body));
      to.unwritten += buffer.size() - before;
      frames_out_.add();
      bytes_out_.add(buffer.size() - before);
      any = true;
    }
    if (any) self_->flush(handle);
  }

  caf::io::broker* const self_;
  const std::shared_ptr<transport_hub> hub_;
  const bool tls_;
  transport_metrics& counters_;
  counter& frames_in_ = counters_.frames.of({"in"});
  counter& frames_out_ = counters_.frames.of({"out"});
  counter& bytes_in_ = counters_.bytes.of({"in"});
  counter& bytes_out_ = counters_.bytes.of({"out"});
  std::unordered_map<connection_handle, socket> sockets_;
  std::unordered_map<connection_id, connection_handle> handles_;
};

caf::behavior port_behavior(caf::io::broker* self, const std::shared_ptr<transport_hub>& hub, int listening, bool tls) {
  if (tls) {
    add_tls_acceptor(*self, listening);
  } else {
    self->add_doorman(listening);
  }
  const auto p = std::make_shared<port>(self, hub, tls);
  self->set_exit_handler([self, p](const caf::exit_msg& m) {
    p->close_all();
    self->quit(m.reason);
  });
  return {
      [p](const caf::io::new_connection_msg& m) {
        p->on_accepted(m.handle);
        p->work();
      },
      [p](const caf::io::new_data_msg& m) { p->on_data(m.handle, m.buf); },
      [p](const caf::io::data_transferred_msg& m) { p->on_written(m.handle, m.written, m.remaining); },
      [p](const caf::io::connection_closed_msg& m) { p->on_closed(m.handle); },
      [](const caf::io::acceptor_closed_msg&) { log_error("other nodes cannot connect: the port was closed"); },
      [p](const flush_batch&) { p->work(); },
  };
}

}  // namespace

caf::actor spawn_port(caf::actor_system& system, std::shared_ptr<transport_hub> hub, unique_fd listening, bool tls) {
  // As arguments, not captured: without any, CAF dereferences a null pointer to none.
  return system.middleman().spawn_broker(port_behavior, std::move(hub), listening.release(), tls);
}

}  // namespace keyrack::cluster
