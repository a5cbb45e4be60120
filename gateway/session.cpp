#include "gateway/session.hpp"

#include "config/log.hpp"
#include "gateway/chunked_body.hpp"
#include "gateway/session_awaits.hpp"

#include <algorithm>

namespace keyrack::gateway {
namespace {

namespace asio = boost::asio;

// Room for the framing of chunks beside the body.
constexpr std::size_t chunk_slack = 4096;
// A buffer that has grown past this is given back when its request is done.
constexpr std::size_t buffer_kept_max = std::size_t{64} * 1024;
// Small bodies are not worth counting: the bound on connections bounds them.
constexpr std::size_t small_body = std::size_t{16} * 1024;
// A client that sends request after request without waiting lets others in after so many.
constexpr unsigned in_a_row_max = 16;
// What a client may still send after it was refused, so that it gets to read why.
constexpr std::size_t linger_bytes_max = std::size_t{16} * 1024 * 1024;
constexpr auto linger_time = std::chrono::milliseconds{2'000};

}  // namespace

session::session(session_host& host, tcp_socket socket, asio::ip::tcp::endpoint peer)
    : host_(host),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      buffer_(static_cast<std::size_t>(host.settings.head_bytes_max + host.settings.body_bytes_max) + chunk_slack) {
  place_.push_back(this);
  place_node_ = place_.begin();
}

session::~session() {
  if (place_.empty()) host_.idle.erase(place_node_);
}

void session::check(session_time::time_point now) {
  if (now < until_) return;
  timed_out_ = true;
  until_ = session_time::time_point::max();
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void session::close_when_idle() {
  if (state_ == state::idle) abort();
}

// Closed and not only cancelled: what had completed before would go on to wait for something else.
void session::abort() {
  closing_ = true;
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void session::enter(state next, std::chrono::milliseconds bound) {
  if (next == state::idle && !place_.empty()) host_.idle.splice(host_.idle.end(), place_);
  if (next != state::idle && place_.empty()) place_.splice(place_.end(), host_.idle, place_node_);
  state_ = next;
  until_ = bound.count() > 0 ? session_time::now() + bound : session_time::time_point::max();
}

std::string_view session::buffered() const {
  const auto all = buffer_.data();
  return {static_cast<const char*>(all.data()), all.size()};
}

task<> session::serve() {
  try {
    co_await converse();
  } catch (const std::exception& e) {
    // Out of memory, most likely: this connection is lost, the others are not.
    log_error("connection dropped", {{"detail", e.what()}});
  }
  end_request();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

task<> session::converse() {
  // Nothing is kept for a connection before it says something.
  enter(state::idle, host_.settings.head_timeout);
  bool alive = co_await readable{*this};
  while (alive && !closing_) {
    if (co_await receive_request() == got::nothing) break;
    co_await answer_request();
    end_request();
    if (!keep_alive_) {
      if (more_is_coming()) co_await linger();
      break;
    }
    if (++without_pause_ >= in_a_row_max) {
      co_await yielding{*this};
      without_pause_ = 0;
    }
  }
}

task<session::got> session::receive_request() {
  head_ = request_head{};
  std::size_t looked_at = 0;
  head_extent head;
  for (;;) {
    head = find_head(buffered(), looked_at);
    if (head.what != head_extent::kind::incomplete) break;
    looked_at = head.size;
    if (buffer_.size() > static_cast<std::size_t>(host_.settings.head_bytes_max)) break;
    if (buffer_.size() == 0) {
      if (host_.draining) co_return got::nothing;
      if (state_ != state::idle) enter(state::idle, host_.settings.idle_timeout);
    } else if (state_ != state::head) {
      enter(state::head, host_.settings.head_timeout);
    }
    if (co_await receiving{*this}) continue;
    if (timed_out_ && buffer_.size() > 0) {
      co_await refuse(problem_of(http_fault::request_timeout, "The head did not arrive in time."), "head_timeout");
    }
    co_return got::nothing;
  }
  enter(state::head, host_.settings.head_timeout);
  if (head.what == head_extent::kind::bad) {
    co_await refuse(problem_of(http_fault::request_invalid, "The head has a bare line end, a folded line or a NUL."),
                    "framing");
    co_return got::nothing;
  }
  if (head.what == head_extent::kind::incomplete ||
      head.size > static_cast<std::size_t>(host_.settings.head_bytes_max)) {
    co_await refuse(problem_of(http_fault::head_too_large, "Send fewer or shorter header fields."), "head_size");
    co_return got::nothing;
  }
  if (const auto wrong = parse_head(buffered().substr(0, head.size), head_)) {
    co_await refuse(problem_of(http_fault::request_invalid, std::string{wrong->detail}), "framing");
    co_return got::nothing;
  }
  consumed_ = head.size;
  keep_alive_ = head_.keep_alive;
  body_ = {};
  // The usual case: the whole request is here.
  if (!head_.chunked && !head_.has(http_field::expect) &&
      buffer_.size() - consumed_ >= head_.content_length.value_or(0) &&
      head_.content_length.value_or(0) <= small_body) {
    body_ = buffered().substr(consumed_, head_.content_length.value_or(0));
    consumed_ += body_.size();
    co_return got::request;
  }
  co_return co_await receive_body();
}

// The buffer is about to move: the head's views must not point into it.
void session::keep_head() {
  head_text_.assign(buffered().substr(0, consumed_));
  head_.moved(buffered().data(), consumed_, head_text_.data());
  buffer_.consume(consumed_);
  consumed_ = 0;
}

task<session::got> session::receive_body() {
  const auto most = std::min(body_bytes_max_of(head_), static_cast<std::size_t>(host_.settings.body_bytes_max));
  keep_head();
  if (head_.content_length.value_or(0) > most) {
    co_await refuse(problem_of(http_fault::body_too_large, "This request takes a smaller body."), "body_size");
    co_return got::nothing;
  }
  if (head_.has(http_field::expect)) {
    if (head_[http_field::expect] != "100-continue") {
      co_await refuse(problem_of(http_fault::expectation_failed, "100-continue is the one expectation that is known."),
                      "expectation");
      co_return got::nothing;
    }
    if (buffer_.size() == 0 && !head_.http_1_0) {
      out_ = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await sending{*this, out_};
    }
  }
  enter(state::body, host_.settings.body_timeout);
  if (head_.chunked) co_return co_await receive_chunked();
  const auto length = head_.content_length.value_or(0);
  while (buffer_.size() < length) {
    if (!co_await receive_some_body()) co_return got::nothing;
  }
  body_ = buffered().substr(0, length);
  consumed_ = length;
  co_return got::request;
}

// One more piece of a body, within the bound on all bodies together.
task<bool> session::receive_some_body() {
  const auto before = buffer_.size();
  if (!co_await receiving{*this}) {
    if (timed_out_)
      co_await refuse(problem_of(http_fault::request_timeout, "The body did not arrive in time."), "body_timeout");
    co_return false;
  }
  const auto more = buffer_.size() - before;
  body_bytes_ += more;
  host_.body_bytes += more;
  if (host_.body_bytes <= static_cast<std::size_t>(host_.settings.body_bytes_total_max)) co_return true;
  host_.metrics.rejected.of({"body_bytes"}).add();
  co_await refuse(problem_of(errc::overloaded, "This node is receiving as many bytes as it takes."), "body_bytes");
  co_return false;
}

task<session::got> session::receive_chunked() {
  chunked_body decoder{std::min(body_bytes_max_of(head_), static_cast<std::size_t>(host_.settings.body_bytes_max))};
  for (;;) {
    buffer_.consume(decoder.take(buffered()));
    if (decoder.now() != chunked_body::state::going_on) break;
    if (!co_await receive_some_body()) co_return got::nothing;
  }
  if (decoder.now() == chunked_body::state::complete) {
    chunked_ = std::move(decoder.data());
    body_ = chunked_;
    co_return got::request;
  }
  // Not in one expression: g++ 12 destroys the operands of a conditional in an awaited call twice.
  if (decoder.now() == chunked_body::state::too_large) {
    co_await refuse(problem_of(http_fault::body_too_large, "This request takes a smaller body."), "body_size");
  } else {
    co_await refuse(problem_of(http_fault::request_invalid, "The chunks are not framed as they must be."), "framing");
  }
  co_return got::nothing;
}

void session::end_request() {
  buffer_.consume(consumed_);
  consumed_ = 0;
  body_ = {};
  host_.body_bytes -= body_bytes_;
  body_bytes_ = 0;
  chunked_ = std::string{};
  if (head_text_.capacity() > buffer_kept_max) head_text_ = std::string{};
  if (out_.capacity() > buffer_kept_max) out_ = std::string{};
  if (buffer_.size() == 0 && buffer_.capacity() > buffer_kept_max) buffer_.shrink_to_fit();
}

task<> session::refuse(problem what, std::string_view reason) {
  host_.metrics.closed.of({std::string{reason}}).add();
  keep_alive_ = false;
  timed_out_ = false;
  reply answer;
  const auto request_id = make_request_id();
  write_problem(answer, what, request_id, head_.path, host_.settings.retry_after);
  co_await write_answer(answer, request_id);
  co_await linger();
}

bool session::more_is_coming() const {
  boost::system::error_code gone;
  return buffer_.size() > 0 || socket_.available(gone) > 0;
}

// Closing a socket that still has bytes to read resets the connection, and the client may never see why it was refused.
task<> session::linger() {
  enter(state::lingering, linger_time);
  boost::system::error_code failed;
  socket_.shutdown(asio::socket_base::shutdown_send, failed);
  std::size_t dropped = 0;
  while (!failed && !closing_ && dropped < linger_bytes_max) {
    buffer_.clear();
    if (!co_await receiving{*this}) break;
    dropped += buffer_.size();
  }
}

}  // namespace keyrack::gateway
