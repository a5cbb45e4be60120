#include "gateway/merge_patch.hpp"

#include "actors/domain/assert.hpp"
#include "gateway/json_reader.hpp"

#include <boost/json/value.hpp>

namespace keyrack::gateway {
namespace {

namespace json = boost::json;

void merge(json::value& target, const json::value& patch) {
  const auto* changes = patch.if_object();
  if (changes == nullptr) {
    target = patch;
    return;
  }
  if (!target.is_object()) target.emplace_object();
  auto& object = target.get_object();
  for (const auto& change : *changes) {
    if (change.value().is_null()) {
      object.erase(change.key());
    } else {
      merge(object[change.key()], change.value());
    }
  }
}

}  // namespace

json::value merge_patched(const std::string& target, const json::value& patch) {
  // What is stored was bounded when it came.
  const auto stored = json_document::parse(target, 1'000);
  KEYRACK_ASSERT(stored.has_value());
  json::value merged(stored->root(), json::storage_ptr{});
  merge(merged, patch);
  return merged;
}

}  // namespace keyrack::gateway
