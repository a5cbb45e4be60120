// What the client can take and what it sends, by the fields of the head (RFC 9110, section 12). Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace keyrack::gateway {

/// Whether `Accept` admits `application/json`. An absent field admits everything.
bool accepts_json(std::string_view accept, bool present);

/// Whether `Accept-Encoding` asks for gzip, with a quality above 0.
bool accepts_gzip(std::string_view accept_encoding);

/// The media type without its parameters, as a view.
std::string_view media_type(std::string_view content_type);
bool is_json(std::string_view content_type);
bool is_merge_patch(std::string_view content_type);

}  // namespace keyrack::gateway
