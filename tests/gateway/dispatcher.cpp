#include "tests/gateway/dispatcher.hpp"

#include <boost/json/parse.hpp>

#include <cstdlib>

namespace keyrack::testing {

std::string dispatched::field(std::string_view name) const {
  const auto line = std::string{name} + ": ";
  const auto at = ("\r\n" + fields).find("\r\n" + line);
  if (at == std::string::npos) return {};
  const auto from = at + line.size();
  return fields.substr(from, fields.find("\r\n", from) - from);
}

boost::json::value dispatched::json() const { return boost::json::parse(body); }

std::string dispatched::code() const { return status < 400 ? "" : text_of(json(), "code"); }
std::string dispatched::outcome() const { return status < 400 ? "" : text_of(json(), "outcome"); }

std::string dispatched::pointers() const {
  std::string out;
  const auto all = json();
  if (!all.as_object().contains("errors")) return out;
  for (const auto& error : all.at("errors").as_array()) out += (out.empty() ? "" : " ") + text_of(error, "pointer");
  return out;
}

std::string dispatched::errors() const {
  std::string out;
  const auto all = json();
  if (!all.as_object().contains("errors")) return out;
  for (const auto& error : all.at("errors").as_array()) {
    out += (out.empty() ? "" : " ") + text_of(error, "pointer") + ":" + text_of(error, "code");
  }
  return out;
}

dispatcher::dispatcher(gateway_settings with, gateway::bridge_bounds bounds)
    : settings(std::move(with)),
      bridge_(std::make_shared<gateway::bridge>(router, bounds, [this] { woken_ = true; })),
      services_{.settings = settings,
                .hotels = *bridge_,
                .lease = lease,
                .clock = clock,
                .records = records,
                .operators = operators,
                .guests = guests_,
                .ready = [this] { return ready; },
                .metrics_text = [] { return std::string{"keyrack_up 1\n"}; },
                .later = [this](std::coroutine_handle<> h) { later_.push_back(h); }} {}

dispatcher::~dispatcher() {
  bridge_->close();
  bridge_->fail_all();
}

dispatched dispatcher::send(std::string_view method, std::string_view target, std::string_view body,
                            std::string_view fields) {
  std::string text{method};
  text.append(" ").append(target).append(" HTTP/1.1\r\nHost: test\r\n").append(fields);
  if (!body.empty() && fields.find("Content-Type") == std::string_view::npos)
    text += "Content-Type: application/json\r\n";
  text += "\r\n";
  gateway::request_head head;
  if (const auto fault = gateway::parse_head(text, head)) return {.status = fault->status};
  const auto x =
      std::make_shared<gateway::exchange>(services_, head, body, "request-1", steady_now() + settings.request_timeout);
  dispatched out;
  gateway::start(gateway::dispatch(*x), [&out, x] {
    out = {.status = x->answer.status, .fields = x->answer.fields, .body = x->answer.body, .answered = true};
  });
  while (!out.answered && (woken_ || !later_.empty())) {
    if (std::exchange(woken_, false)) bridge_->drain();
    for (const auto waiting : std::exchange(later_, {})) waiting.resume();
  }
  if (!out.answered) std::abort();  // nobody is left who could answer
  return out;
}

std::string dispatcher::make_hotel(int rooms) {
  const auto id = text_of(send("POST", "/v1/hotels", hotel_body()).json(), "id");
  if (send("POST", "/v1/hotels/" + id + "/room-types", room_type_body(rooms)).status != 201) std::abort();
  return id;
}

std::string dispatcher::book(std::string_view hotel, std::string_view more) {
  return text_of(send("POST", "/v1/reservations", reservation_body(hotel, more)).json(), "id");
}

}  // namespace keyrack::testing
