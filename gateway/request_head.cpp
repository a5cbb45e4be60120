#include "gateway/request_head.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include <algorithm>
#include <charconv>

namespace keyrack::gateway {
namespace {

namespace http = boost::beast::http;

std::string_view view_of(boost::beast::string_view text) { return {text.data(), text.size()}; }
bool same(std::string_view a, std::string_view b) {
  return boost::beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

std::optional<http_field> known_field(http::field field, std::string_view name) {
  switch (field) {
  case http::field::accept: return http_field::accept;
  case http::field::accept_encoding: return http_field::accept_encoding;
  case http::field::access_control_request_method: return http_field::access_control_request_method;
  case http::field::content_encoding: return http_field::content_encoding;
  case http::field::content_length: return http_field::content_length;
  case http::field::content_type: return http_field::content_type;
  case http::field::expect: return http_field::expect;
  case http::field::forwarded: return http_field::forwarded;
  case http::field::host: return http_field::host;
  case http::field::if_match: return http_field::if_match;
  case http::field::if_none_match: return http_field::if_none_match;
  case http::field::origin: return http_field::origin;
  case http::field::transfer_encoding: return http_field::transfer_encoding;
  case http::field::unknown: break;
  default: return std::nullopt;
  }
  if (same(name, "idempotency-key")) return http_field::idempotency_key;
  if (same(name, "request-id")) return http_field::request_id;
  if (same(name, "traceparent")) return http_field::traceparent;
  if (same(name, "x-forwarded-for")) return http_field::x_forwarded_for;
  return std::nullopt;
}

/// Lists by their definition; every other field may stand only once.
bool is_list(http_field field) {
  return field == http_field::accept || field == http_field::accept_encoding || field == http_field::forwarded ||
         field == http_field::if_none_match || field == http_field::x_forwarded_for;
}

http_method method_of(http::verb verb) {
  switch (verb) {
  case http::verb::get: return http_method::get;
  case http::verb::head: return http_method::head;
  case http::verb::post: return http_method::post;
  case http::verb::put: return http_method::put;
  case http::verb::patch: return http_method::patch;
  case http::verb::delete_: return http_method::del;
  case http::verb::options: return http_method::options;
  default: return http_method::other;
  }
}

/// Beast reads the lines; what it lets pass and should not is refused here.
class head_reader final : public http::basic_parser<true> {
public:
  // Bounds are the session's to keep, and to answer with the right status.
  explicit head_reader(request_head& out) : out_(out) {
    header_limit(64 * 1024 * 1024);
    body_limit(boost::none);
  }
  std::optional<framing_fault> fault;

private:
  using error_code = boost::beast::error_code;
  using string_view = boost::beast::string_view;

  void stop(std::string_view detail, error_code& ec) {
    fault = framing_fault{.status = 400, .detail = detail};
    ec = http::error::bad_field;
  }
  void on_request_impl(http::verb verb, string_view, string_view target, int version, error_code&) override {
    out_.method = method_of(verb);
    out_.target = view_of(target);
    out_.http_1_0 = version == 10;
  }
  void on_field_impl(http::field field, string_view name, string_view value, error_code& ec) override {
    const auto known = known_field(field, view_of(name));
    if (!known) return;
    if (!out_.has(*known)) {
      // An empty value is still a field that was sent.
      out_.set(*known, value.empty() ? std::string_view{name.data(), 0} : view_of(value));
    } else if (is_list(*known)) {
      out_.join(*known, view_of(value));
    } else {
      stop("a field that may stand only once is repeated", ec);
    }
  }
  void on_header_impl(error_code&) override {}
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}

  request_head& out_;
};

/// `host` or `host:port` (RFC 3986): no user, no path, no list of hosts. Empty is allowed.
bool is_host(std::string_view text) {
  constexpr std::string_view marks = "-._~!$&'()*+;=%:[]";
  return std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           marks.find(c) != std::string_view::npos;
  });
}

std::optional<framing_fault> read_framing(request_head& head) {
  const auto wrong = [](std::string_view detail) { return framing_fault{.status = 400, .detail = detail}; };
  if (head.has(http_field::transfer_encoding)) {
    if (head.http_1_0) return wrong("HTTP/1.0 has no Transfer-Encoding");
    if (head.has(http_field::content_length)) return wrong("both Transfer-Encoding and Content-Length");
    if (!same(head[http_field::transfer_encoding], "chunked"))
      return wrong("the only Transfer-Encoding here is chunked");
    head.chunked = true;
  }
  if (head.has(http_field::content_length)) {
    const auto text = head[http_field::content_length];
    std::uint64_t length = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), length);
    // Eighteen digits are more than any bound, and cannot overflow.
    if (ec != std::errc{} || end != text.data() + text.size() || text.size() > 18) {
      return wrong("Content-Length is not one plain number");
    }
    head.content_length = length;
  }
  if (!head.has(http_field::host) && !head.http_1_0) return wrong("the Host field is missing");
  if (!is_host(head[http_field::host])) return wrong("the Host field is not a host");
  return std::nullopt;
}

/// Path and query of the target; of the absolute form, which proxies send, too.
std::optional<framing_fault> read_target(request_head& head) {
  auto target = head.target;
  if (!target.starts_with('/')) {
    const auto scheme = target.find("://");
    if (scheme != std::string_view::npos &&
        (same(target.substr(0, scheme), "http") || same(target.substr(0, scheme), "https"))) {
      const auto path = target.find_first_of("/?", scheme + 3);
      const auto host = target.substr(scheme + 3, path == std::string_view::npos ? path : path - scheme - 3);
      if (host.empty() || !is_host(host)) return framing_fault{.status = 400, .detail = "the URI names no host"};
      target = path == std::string_view::npos ? std::string_view{"/"} : target.substr(path);
    } else if (target != "*" || head.method != http_method::options) {
      return framing_fault{.status = 400, .detail = "the request target is neither a path nor an absolute URI"};
    }
  }
  if (!std::ranges::all_of(target, [](char c) { return c > 0x20 && c < 0x7F; })) {
    return framing_fault{.status = 400, .detail = "what is not ASCII must be percent-encoded in the request target"};
  }
  if (target.find('#') != std::string_view::npos) {
    return framing_fault{.status = 400, .detail = "the request target has a fragment"};
  }
  const auto question = target.find('?');
  head.path = target.substr(0, question);
  if (question != std::string_view::npos) head.query = target.substr(question + 1);
  return std::nullopt;
}

}  // namespace

std::string_view method_name(http_method method) {
  constexpr std::array<std::string_view, 8> names{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"};
  return names[static_cast<std::size_t>(method)];
}

void request_head::join(http_field field, std::string_view value) {
  auto& known = values_[static_cast<std::size_t>(field)];
  known = joined_.emplace_back(std::string{known} + ", " + std::string{value});
}

void request_head::moved(const char* from, std::size_t size, const char* to) {
  const auto move = [&](std::string_view& view) {
    if (view.data() >= from && view.data() <= from + size) view = {to + (view.data() - from), view.size()};
  };
  for (auto* view : {&target, &path, &query}) move(*view);
  for (auto& view : values_) {
    if (view.data() != nullptr) move(view);
  }
}

head_extent find_head(std::string_view bytes, std::size_t looked_at) {
  using enum head_extent::kind;
  // `looked_at` is where a line begins.
  auto line = looked_at;
  for (;;) {
    const auto end = bytes.find('\n', line);
    const auto text = bytes.substr(line, end == std::string_view::npos ? end : end - line);
    const auto cr = text.find('\r');
    if (cr != std::string_view::npos && cr + 1 != text.size()) return {bad, line};
    if (text.find('\0') != std::string_view::npos) return {bad, line};
    if (end == std::string_view::npos) return {incomplete, line};
    if (cr == std::string_view::npos) return {bad, line};
    if (line > 0 && (text.front() == ' ' || text.front() == '\t')) return {bad, line};
    if (text.size() == 1) return {complete, end + 1};
    line = end + 1;
  }
}

std::optional<framing_fault> parse_head(std::string_view bytes, request_head& out) {
  head_reader reader{out};
  boost::beast::error_code ec;
  reader.put(boost::asio::const_buffer{bytes.data(), bytes.size()}, ec);
  if (reader.fault) return reader.fault;
  if (ec == http::error::bad_version)
    return framing_fault{.status = 400, .detail = "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  if (ec || !reader.is_header_done())
    return framing_fault{.status = 400, .detail = "the head of the request is not HTTP"};
  out.keep_alive = reader.keep_alive();
  if (auto fault = read_framing(out)) return fault;
  return read_target(out);
}

}  // namespace keyrack::gateway
