// What a session waits for: bytes, room to write, its turn. Private to session*.cpp. A wait that the sweep or an abort
// cancels ends like one that failed, also when it had succeeded just before.
#pragma once

#include "gateway/session.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <coroutine>

namespace keyrack::gateway {

/// More bytes in the buffer: false at the end of the connection, an error, a cancellation, or a full buffer.
class session::receiving {
public:
  explicit receiving(session& of) : of_(of) {}
  bool await_ready() const { return of_.closing_ || of_.buffer_.size() >= of_.buffer_.max_size(); }
  void await_suspend(std::coroutine_handle<> waiting) {
    of_.without_pause_ = 0;
    auto& buffer = of_.buffer_;
    // Large bodies come in large pieces.
    const auto wanted = std::clamp<std::size_t>(buffer.size(), piece_min, piece_max);
    const auto room = buffer.prepare(std::min(wanted, buffer.max_size() - buffer.size()));
    of_.socket_.async_read_some(room, [this, waiting](boost::system::error_code ec, std::size_t n) {
      failed_ = static_cast<bool>(ec);
      taken_ = n;
      waiting.resume();
    });
  }
  bool await_resume() {
    of_.buffer_.commit(taken_);
    return !failed_ && taken_ > 0 && !of_.timed_out_;
  }

private:
  static constexpr std::size_t piece_min = 2048;
  static constexpr std::size_t piece_max = 256 * 1024;
  session& of_;
  bool failed_ = false;
  std::size_t taken_ = 0;
};

/// Something to read, without a place for it yet.
class session::readable {
public:
  explicit readable(session& of) : of_(of) {}
  bool await_ready() const { return of_.closing_; }
  void await_suspend(std::coroutine_handle<> waiting) {
    of_.socket_.async_wait(boost::asio::socket_base::wait_read, [this, waiting](boost::system::error_code ec) {
      failed_ = static_cast<bool>(ec);
      waiting.resume();
    });
  }
  bool await_resume() const { return !failed_; }

private:
  session& of_;
  bool failed_ = false;
};

/// All of the text is in the socket: false when it is not to be had. Hardly ever waits.
class session::sending {
public:
  sending(session& of, std::string_view text) : of_(of), left_(text) {}
  bool await_ready() {
    boost::system::error_code ec;
    left_.remove_prefix(of_.socket_.write_some(boost::asio::const_buffer{left_.data(), left_.size()}, ec));
    if (ec && ec != boost::asio::error::would_block) failed_ = true;
    return failed_ || left_.empty();
  }
  void await_suspend(std::coroutine_handle<> waiting) {
    of_.without_pause_ = 0;
    boost::asio::async_write(of_.socket_, boost::asio::const_buffer{left_.data(), left_.size()},
                             [this, waiting](boost::system::error_code ec, std::size_t) {
                               failed_ = static_cast<bool>(ec);
                               waiting.resume();
                             });
  }
  bool await_resume() const { return !failed_ && !of_.timed_out_; }

private:
  session& of_;
  std::string_view left_;
  bool failed_ = false;
};

/// Everybody else's turn, once.
class session::yielding {
public:
  explicit yielding(session& of) : of_(of) {}
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiting) const { of_.host_.shared.later(waiting); }
  void await_resume() const {}

private:
  session& of_;
};

}  // namespace keyrack::gateway
