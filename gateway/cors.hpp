// Cross-origin requests, where a setting allows them (Fetch standard, section 3.2), and OPTIONS. Pure.
#pragma once

#include "config/settings.hpp"
#include "gateway/reply.hpp"
#include "gateway/request_head.hpp"

#include <string_view>

namespace keyrack::gateway {

/// Adds what lets a page of an allowed origin read the answer. Nothing when no origins are set.
void add_cors(reply& answer, const request_head& head, const gateway_settings& settings);

/// Answers OPTIONS for a path with these methods; also a browser's question before its real request.
void answer_options(reply& answer, const request_head& head, const gateway_settings& settings,
                    std::string_view methods);

}  // namespace keyrack::gateway
