// Room types of a hotel: added, read, replaced, changed, removed, listed.
#include "gateway/list_page.hpp"
#include "gateway/routes/bodies.hpp"
#include "gateway/routes/commands.hpp"
#include "gateway/routes/handlers.hpp"
#include "gateway/routes/patches.hpp"

#include <boost/json/value.hpp>

#include <algorithm>

namespace keyrack::gateway::routes {
namespace {

void write_view(json_writer& json, hotel_id hotel, const room_type_view& of) {
  write_room_type(json, hotel, of.id, of.profile, {of.version, of.created_at, of.updated_at});
}

/// The room type as the patch in the body makes it.
task<std::optional<patched<room_type_profile>>> look_and_merge(exchange& x) {
  const auto from = co_await x.send(x.make_envelope(x.path.hotel, room_type_query{x.path.room_type}));
  if (const auto* shown = std::get_if<std::shared_ptr<const view>>(&from.body)) {
    co_return gateway::patch_room_type(std::get<room_type_view>(**shown), x.body, x.use.settings.json_depth_max);
  }
  const auto* refused = std::get_if<refusal>(&from.body);
  if (refused != nullptr && (refused->code == errc::hotel_unknown || refused->code == errc::room_type_unknown)) {
    co_return patched<room_type_profile>{.profile = {.max_guests = 1}};
  }
  x.accept(from);
  co_return std::nullopt;
}

}  // namespace

task<> add_room_type(exchange& x) {
  auto ready = read_and_begin(x, read_room_type);
  if (!ready) co_return;
  command what = keyrack::add_room_type{std::move(ready->second)};
  co_await run_command(x, std::move(ready->first), std::move(what));
}

task<> get_room_type(exchange& x) {
  const auto from = co_await x.send(x.make_envelope(x.path.hotel, room_type_query{x.path.room_type}));
  const auto* shown = view_of<room_type_view>(x, from);
  if (shown == nullptr || x.not_modified(shown->version)) co_return;
  json_writer json{x.answer.body};
  write_view(json, from.hotel, *shown);
}

task<> replace_room_type(exchange& x) {
  auto ready = read_and_begin(x, read_room_type);
  if (!ready) co_return;
  command what = update_room_type{x.path.room_type, std::move(ready->second)};
  co_await run_command(x, std::move(ready->first), std::move(what));
}

task<> change_room_type(exchange& x) {
  auto by = begin_patch(x);
  if (!by) co_return;
  const auto type = x.path.room_type;
  co_await run_patch(x, std::move(*by), look_and_merge,
                     [type](const room_type_profile& profile) { return update_room_type{type, profile}; });
}

task<> remove_room_type(exchange& x) {
  auto by = x.begin_command(nullptr);
  if (!by) co_return;
  command what = keyrack::remove_room_type{x.path.room_type};
  co_await run_command(x, std::move(*by), std::move(what));
}

task<> list_room_types(exchange& x) {
  const auto list = read_list(x);
  if (!list) co_return;
  const auto after = list->position ? number_of(*list->position).value_or(0) : 0;
  const auto from = co_await x.send(x.make_envelope(x.path.hotel, room_types_query{}));
  const auto* shown = view_of<room_types_view>(x, from);
  if (shown == nullptr) co_return;
  // In the order of their ids, which are given in order.
  auto first =
      std::ranges::upper_bound(shown->types, after, {}, [](const auto& t) { return std::uint64_t{t.id.value}; });
  const auto end = first + std::min<std::ptrdiff_t>(list->limit, shown->types.end() - first);
  json_writer json{x.answer.body};
  json.begin_object().name("data").begin_array();
  for (auto type = first; type != end; ++type) write_view(json, from.hotel, *type);
  json.end_array();
  const bool more = end != shown->types.end();
  finish_list(x, json, more ? std::optional{std::to_string((end - 1)->id.value)} : std::nullopt);
  json.end_object();
}

}  // namespace keyrack::gateway::routes
