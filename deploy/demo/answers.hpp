// What an answer of the API means to who loads: done, refused, or worth asking again. Pure.
#pragma once

#include "deploy/demo/api_request.hpp"
#include "deploy/demo/http_client.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace keyrack::demo {

bool succeeded(const http_answer& answer);

/// Asking again with the same key can help: over a bound, past a deadline, or an outcome that the node does not know.
bool worth_retrying(const http_answer& answer);

/// Status, code and detail of a problem and every fault that it lists, in one line.
std::string problem_text(const http_answer& answer);

/// Which request was refused, how, and what to do where that is known.
std::string refusal_text(const api_request& request, const http_answer& answer);

/// The `id` of a new hotel: a text.
std::optional<std::string> text_id(const http_answer& answer);

/// The `id` of a new room type: a number.
std::optional<std::uint16_t> number_id(const http_answer& answer);

}  // namespace keyrack::demo
