// How a log line looks, as JSON and as text. Pure: time and fields are arguments.
#pragma once

#include "config/log.hpp"

#include <chrono>
#include <string>

namespace keyrack {

using log_time = std::chrono::sys_time<std::chrono::microseconds>;

std::string_view to_text(log_level level);

/// {"time":"2031-03-01T12:00:00.000001Z","level":"info","event":"…",fields…} without a line end. Texts that are not valid
/// UTF-8 keep their valid parts; each byte that is not becomes U+FFFD. Numbers that JSON has not become null.
void append_json_line(std::string& out, log_time time, log_level level, std::string_view event, log_fields fields);

/// `12:00:00.000 info  event  name=value name="with spaces"` without a line end; control characters are escaped, so that
/// no field can write a line, or colours, of its own.
void append_text_line(std::string& out, log_time time, log_level level, std::string_view event, log_fields fields);

}  // namespace keyrack
