// The physical rooms of a hotel: the list is replaced as a whole, and read in pages.
#include "gateway/list_page.hpp"
#include "gateway/routes/bodies.hpp"
#include "gateway/routes/commands.hpp"
#include "gateway/routes/handlers.hpp"

#include <boost/json/value.hpp>

#include <algorithm>
#include <span>

namespace keyrack::gateway::routes {

task<> replace_rooms(exchange& x) {
  auto ready = read_and_begin(x, read_rooms);
  if (!ready) co_return;
  command what = keyrack::list_rooms{std::move(ready->second)};
  co_await run_command(x, std::move(ready->first), std::move(what));
}

task<> list_rooms(exchange& x) {
  const auto list = read_list(x);
  if (!list) co_return;
  const auto from = co_await x.send(x.make_envelope(x.path.hotel, rooms_query{}));
  const auto* shown = view_of<rooms_view>(x, from);
  if (shown == nullptr) co_return;
  auto first = shown->rooms.begin();
  if (list->position) {
    first = std::ranges::find(shown->rooms, *list->position, &room::number);
    if (first == shown->rooms.end()) {
      fail_cursor(x);
      co_return;
    }
    ++first;
  }
  if (x.not_modified(shown->version)) co_return;
  const auto end = first + std::min<std::ptrdiff_t>(list->limit, shown->rooms.end() - first);
  json_writer json{x.answer.body};
  json.begin_object().name("data");
  write_rooms(json, {first, end});
  const bool more = end != shown->rooms.end();
  finish_list(x, json, more ? std::optional{(end - 1)->number} : std::nullopt);
  json.field("version", shown->version).end_object();
}

}  // namespace keyrack::gateway::routes
