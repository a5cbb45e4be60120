// How a log line looks, as JSON and as text. Pure: time and fields are arguments.
#pragma once

#include "config/log.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace keyrack {

using log_time = std::chrono::sys_time<std::chrono::microseconds>;

std::string_view to_text(log_level level);

/// Length of the valid UTF-8 sequence that begins at `text[at]`; 0 if there is none. REQUIRES: at < text.size().
std::size_t utf8_length(std::string_view text, std::size_t at);

/// A JSON string with its quotes. Bytes that are not valid UTF-8 become U+FFFD, one each.
void append_json_text(std::string& out, std::string_view text);

/// {"time":"2031-03-01T12:00:00.000001Z","level":"info","event":"…",fields…} without a line end. Numbers
/// that JSON has not (infinity) become null.
void append_json_line(std::string& out, log_time time, log_level level, std::string_view event, log_fields fields);

/// `12:00:00.000 info  event  name=value name="with spaces"` without a line end; control characters are escaped, so that
/// no field can write a line, or colours, of its own.
void append_text_line(std::string& out, log_time time, log_level level, std::string_view event, log_fields fields);

}  // namespace keyrack
