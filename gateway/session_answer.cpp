// The second half of a session: from a whole request to its answer's bytes in the socket.
#include "config/log.hpp"
#include "gateway/compression.hpp"
#include "gateway/cors.hpp"
#include "gateway/negotiation.hpp"
#include "gateway/session.hpp"
#include "gateway/session_awaits.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace keyrack::gateway {
namespace {

constexpr std::size_t request_id_bytes_max = 64;

bool is_sane_id(std::string_view id) {
  return !id.empty() && id.size() <= request_id_bytes_max && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == ':';
  });
}

// One write for head and body, unless the body is so long that its copy costs more than a second call.
constexpr std::size_t one_write_bytes_max = 64 * 1024;

void append_number(std::string& to, std::uint64_t number) {
  std::array<char, 20> digits;
  to.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

}  // namespace

std::string session::make_request_id() const {
  const auto sent = head_[http_field::request_id];
  if (is_sane_id(sent)) return std::string{sent};
  // Short enough to need no memory of its own.
  std::array<char, 16> text;
  auto* end = std::ranges::copy(host_.request_id_prefix, text.begin()).out;
  end = std::to_chars(end, text.data() + text.size(), ++host_.request_ids, 36).ptr;
  return {text.data(), end};
}

task<> session::answer_request() {
  enter(state::answering, {});
  const auto begun = steady_now();
  exchange x{host_.shared, head_, body_, make_request_id(), begun + host_.settings.request_timeout};
  co_await dispatch(x);
  co_await settle(x);
  account(x, steady_now() - begun);
  if (host_.leaving || host_.draining || closing_) keep_alive_ = false;
  add_cors(x.answer, head_, host_.settings);
  if (x.answer.body.size() >= static_cast<std::size_t>(host_.settings.gzip_bytes_min)) {
    co_await compress(x.answer, accepts_gzip(head_[http_field::accept_encoding]), host_.shared.later);
  }
  co_await write_answer(x.answer, x.request_id);
}

// An answer from memory leaves under the read lease, asked now and not when it was decided.
task<> session::settle(exchange& x) {
  const auto* memory = std::get_if<leased>(&x.answer.rests_on);
  if (memory == nullptr || host_.shared.lease.covers(*memory)) co_return;
  host_.metrics.lease_waits.add();
  const auto rests_on = *memory;
  const auto covered = co_await host_.shared.hotels.look_up<bool>(
      x.deadline, [this, rests_on, until = x.deadline](std::function<void(bool)> then) {
        host_.shared.lease.await_beat(rests_on, until, std::move(then));
      });
  if (covered.value_or(false)) co_return;
  auto what = problem_of(errc::unavailable, "This node could not make sure that its memory is still the truth.");
  // Even a refusal: an attempt before the one that was refused may have been applied elsewhere.
  what.applied = x.command_sent ? outcome::unknown : outcome::not_applied;
  x.answer = reply{};
  x.fail(what);
}

void session::append_head(const reply& answer, std::string_view request_id) {
  out_ += "HTTP/1.1 ";
  append_number(out_, answer.status);
  out_ += ' ';
  out_ += reason_phrase(answer.status);
  if (!answer.no_body) {
    out_ += "\r\nContent-Type: ";
    out_ += answer.content_type;
    out_ += "\r\nContent-Length: ";
    append_number(out_, answer.body.size());
  }
  out_ += "\r\nRequest-Id: ";
  out_ += request_id;
  out_ += "\r\nCache-Control: ";
  out_ += answer.cache_control;
  out_ += "\r\n";
  out_ += answer.fields;
  out_ += host_.common_fields;
  if (!keep_alive_) {
    out_ += "Connection: close\r\n";
  } else if (head_.http_1_0) {
    out_ += "Connection: keep-alive\r\n";
  }
  out_ += "\r\n";
}

task<> session::write_answer(const reply& answer, std::string_view request_id) {
  enter(state::writing, host_.settings.write_timeout);
  out_.clear();
  append_head(answer, request_id);
  const bool body = !answer.no_body && head_.method != http_method::head;
  const bool together = body && out_.size() + answer.body.size() <= one_write_bytes_max;
  if (together) out_ += answer.body;
  bool sent = co_await sending{*this, out_};
  if (sent && body && !together) sent = co_await sending{*this, answer.body};
  if (!sent) {
    if (timed_out_) host_.metrics.closed.of({"write_timeout"}).add();
    keep_alive_ = false;
    closing_ = true;
  }
}

std::string session::client_address() const {
  return host_.proxies.client(peer_.address(), head_[http_field::x_forwarded_for], head_[http_field::forwarded]);
}

void session::account(const exchange& x, std::chrono::nanoseconds took) const {
  const auto routes = route_table();
  const auto index = x.matched == nullptr ? routes.size() : static_cast<std::size_t>(x.matched - routes.data());
  host_.request_seconds[index]->observe(took);
  const auto status = x.answer.status;
  host_.requests
      .at(
          index, status_column(status), [&] { return route_label(x.matched); },
          [status] { return std::to_string(status); })
      .add();
  if (x.matched != nullptr && x.matched->probe) return;
  const bool failed = status >= 400;
  if (!failed && !log_sampled(x.request_id)) return;
  const auto client = client_address();
  const auto hotel = to_text(x.hotel);
  const log_fields fields{{"request_id", x.request_id},
                          {"route", x.matched == nullptr ? std::string_view{"none"} : x.matched->operation},
                          {"status", status},
                          {"code", x.code},
                          {"hotel", std::string_view{x.hotel.value == 0 ? std::string_view{} : hotel}},
                          {"sequence", x.sequence},
                          {"duration_us", std::chrono::duration_cast<std::chrono::microseconds>(took).count()},
                          {"client", client},
                          {"traceparent", head_[http_field::traceparent]}};
  log(status >= 500 ? log_level::warn : log_level::info, failed ? "request refused" : "request answered", fields);
}

}  // namespace keyrack::gateway
