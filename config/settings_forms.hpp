// What texts of settings must look like, and how a connection string is shown without its secrets. Pure.
#pragma once

#include <string>
#include <string_view>

namespace keyrack {

bool is_not_empty(std::string_view text);
/// Lower-case letters, digits and inner hyphens.
bool is_node_name(std::string_view text);
/// An IPv4 or IPv6 address, or a host name.
bool is_host(std::string_view text);
/// An address, or address/bits.
bool is_network(std::string_view text);
/// `*`, or scheme://host[:port] with http or https, as browsers send it.
bool is_origin(std::string_view text);

/// The connection string with `***` for everything that is not known to be harmless: host, port, database, user.
std::string mask_connection(std::string_view url);

}  // namespace keyrack
