// RFC 7396: a JSON document that says how another one changes. Owns the merging; refuses to know whose fields they are.
#pragma once

#include <boost/json/fwd.hpp>

#include <string>

namespace keyrack::gateway {

/// `target` (JSON, an object) as it is after `patch`.
boost::json::value merge_patched(const std::string& target, const boost::json::value& patch);

}  // namespace keyrack::gateway
