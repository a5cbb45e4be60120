#include "gateway/routes/patches.hpp"

#include "gateway/merge_patch.hpp"
#include "gateway/routes/bodies.hpp"

#include <boost/json/value.hpp>

#include <algorithm>

namespace keyrack::gateway {
namespace {

namespace json = boost::json;

/// A field that is not there and is cleared leaves no trace in what is merged: whether there is such a field is found out
/// by reading it alone.
template <typename Read>
void refuse_unknown_nulls(const json::value& patch, Read read, fault_list& faults) {
  for (const auto& change : patch.get_object()) {
    if (!change.value().is_null()) continue;
    fault_list alone;
    read(json::value{{change.key(), 0}}, alone);
    for (const auto& found : alone.all()) {
      if (found.code == "unknown_field") faults.add(found.pointer, found.code, found.detail);
    }
  }
}

template <typename View, typename Read>
auto merged(const View& now, std::string_view text, int depth_max, Read read) {
  routes::patched<decltype(now.profile)> out{.version = now.version};
  const auto patch = json_document::parse(text, depth_max);
  KEYRACK_ASSERT(patch.has_value());
  if (!patch->root().is_object()) {
    out.faults.add("", "type", "A merge patch of a resource is an object.");
    return out;
  }
  std::string current;
  json_writer writer{current};
  writer.begin_object();
  write_profile(writer, now.profile);
  writer.end_object();
  out.profile = read(merge_patched(current, patch->root()), out.faults);
  refuse_unknown_nulls(patch->root(), read, out.faults);
  return out;
}

}  // namespace

routes::patched<hotel_profile> patch_hotel(const hotel_view& now, std::string_view text, int depth_max) {
  auto out = merged(now, text, depth_max,
                    [](const json::value& body, fault_list& faults) { return read_hotel(body, "", faults); });
  // What the patch does not touch stays as it was given, to the letter.
  if (raw_field(text, "attributes").empty()) out.profile.attributes = now.profile.attributes;
  return out;
}

routes::patched<room_type_profile> patch_room_type(const room_type_view& now, std::string_view text, int depth_max) {
  return merged(now, text, depth_max,
                [](const json::value& body, fault_list& faults) { return read_room_type(body, faults); });
}

}  // namespace keyrack::gateway
