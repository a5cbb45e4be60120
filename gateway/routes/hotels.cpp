// Hotels: created, read, replaced, changed, removed, listed.
#include "gateway/digest.hpp"
#include "gateway/list_page.hpp"
#include "gateway/routes/bodies.hpp"
#include "gateway/routes/commands.hpp"
#include "gateway/routes/handlers.hpp"
#include "gateway/routes/patches.hpp"

#include <boost/json/value.hpp>

namespace keyrack::gateway::routes {
namespace {

auto read_body(exchange& x) {
  return read_and_begin(
      x, [&x](const boost::json::value& body, fault_list& faults) { return read_hotel(body, x.body, faults); });
}

/// The hotel as the patch in the body makes it.
task<std::optional<patched<hotel_profile>>> look_and_merge(exchange& x) {
  const auto from = co_await x.send(x.make_envelope(x.path.hotel, hotel_query{}));
  if (const auto* shown = std::get_if<std::shared_ptr<const view>>(&from.body)) {
    co_return gateway::patch_hotel(std::get<hotel_view>(**shown), x.body, x.use.settings.json_depth_max);
  }
  const auto* refused = std::get_if<refusal>(&from.body);
  if (refused != nullptr && refused->code == errc::hotel_unknown) co_return patched<hotel_profile>{};
  x.accept(from);
  co_return std::nullopt;
}

}  // namespace

task<> create_hotel(exchange& x) {
  auto ready = read_body(x);
  if (!ready) co_return;
  // A repeated creation meets the hotel that it made.
  x.path.hotel = x.hotel = hotel_of(ready->first.key);
  command what = keyrack::create_hotel{std::move(ready->second)};
  co_await run_command(x, std::move(ready->first), std::move(what));
}

task<> get_hotel(exchange& x) {
  const auto from = co_await x.send(x.make_envelope(x.path.hotel, hotel_query{}));
  const auto* shown = view_of<hotel_view>(x, from);
  if (shown == nullptr || x.not_modified(shown->version)) co_return;
  json_writer json{x.answer.body};
  write_hotel(json, from.hotel, shown->profile, {shown->version, shown->created_at, shown->updated_at});
}

task<> replace_hotel(exchange& x) {
  auto ready = read_body(x);
  if (!ready) co_return;
  command what = update_hotel{std::move(ready->second)};
  co_await run_command(x, std::move(ready->first), std::move(what));
}

task<> change_hotel(exchange& x) {
  auto by = begin_patch(x);
  if (!by) co_return;
  co_await run_patch(x, std::move(*by), look_and_merge,
                     [](const hotel_profile& profile) { return update_hotel{profile}; });
}

task<> remove_hotel(exchange& x) {
  auto by = x.begin_command(nullptr);
  if (!by) co_return;
  command what = keyrack::remove_hotel{};
  co_await run_command(x, std::move(*by), std::move(what));
}

task<> list_hotels(exchange& x) {
  const auto list = read_list(x);
  if (!list) co_return;
  const auto after = list->position ? parse_hotel_id(*list->position) : std::nullopt;
  auto found = co_await x.look_up<page<hotel_row>>(
      [&x, after, limit = list->limit](steady_instant until, record_callback<page<hotel_row>> then) {
        x.use.records.list_hotels(after, limit, until, std::move(then));
      });
  const auto* listed = x.accept(found);
  if (listed == nullptr) co_return;
  json_writer json{x.answer.body};
  json.begin_object().name("data").begin_array();
  for (const auto& row : listed->rows) {
    write_hotel(json, row.hotel, row.profile, {row.version, row.created_at, row.updated_at});
  }
  json.end_array();
  const bool more = listed->more && !listed->rows.empty();
  finish_list(x, json, more ? std::optional{to_text(listed->rows.back().hotel)} : std::nullopt);
  json.field("complete_up_to", listed->complete_up_to).end_object();
}

}  // namespace keyrack::gateway::routes
