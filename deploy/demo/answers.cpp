#include "deploy/demo/answers.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace keyrack::demo {
namespace {

namespace json = boost::json;

json::value parsed(const http_answer& answer) {
  boost::system::error_code error;
  auto value = json::parse(answer.body, error);
  return error ? json::value{} : value;
}

const json::value* member(const json::value& body, std::string_view name) {
  const auto* object = body.if_object();
  return object == nullptr ? nullptr : object->if_contains(name);
}

/// A text member of an object; empty when there is none.
std::string text_member(const json::value& body, std::string_view name) {
  const auto* found = member(body, name);
  const auto* text = found == nullptr ? nullptr : found->if_string();
  return text == nullptr ? std::string{} : std::string(*text);
}

}  // namespace

bool succeeded(const http_answer& answer) { return answer.status >= 200 && answer.status < 300; }

bool worth_retrying(const http_answer& answer) {
  if (answer.status == 429 || answer.status == 503 || answer.status == 504) return true;
  return answer.status >= 500 && text_member(parsed(answer), "outcome") == "unknown";
}

std::string problem_text(const http_answer& answer) {
  const auto problem = parsed(answer);
  auto text = fmt::format("{} {}", answer.status, text_member(problem, "code"));
  if (const auto detail = text_member(problem, "detail"); !detail.empty()) text += ": " + detail;
  const auto* errors = member(problem, "errors");
  if (errors == nullptr || !errors->is_array()) return text;
  for (const auto& fault : errors->get_array()) {
    text += fmt::format("; {} {}", text_member(fault, "pointer"), text_member(fault, "detail"));
  }
  return text;
}

std::string refusal_text(const api_request& request, const http_answer& answer) {
  auto text = fmt::format("{} {} was refused: {}", request.method, request.target, problem_text(answer));
  if (text_member(parsed(answer), "code") == "key_reused") {
    text += ". An earlier version of this program has loaded other hotels under this seed: take another --seed, or "
            "begin with an empty database";
  }
  return text;
}

std::optional<std::string> text_id(const http_answer& answer) {
  auto id = text_member(parsed(answer), "id");
  return id.empty() ? std::nullopt : std::optional(std::move(id));
}

std::optional<std::uint16_t> number_id(const http_answer& answer) {
  const auto body = parsed(answer);
  const auto* id = member(body, "id");
  const auto* number = id == nullptr ? nullptr : id->if_int64();
  if (number == nullptr || *number < 1 || *number > UINT16_MAX) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

}  // namespace keyrack::demo
