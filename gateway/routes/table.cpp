// All routes of the API, in the order of the design's api page. The one list: an operation's name is part of the digests of
// its requests, which are in journals, and never changes.
#include "gateway/routes/handlers.hpp"
#include "gateway/routing.hpp"

#include <array>

namespace keyrack::gateway {
namespace {

using enum http_method;
using enum body_kind;
namespace r = routes;

constexpr std::size_t small = 65'536;
constexpr std::size_t large = 8'388'608;  // 100,000 rooms, 1,000 calendar changes
// Texts of 10,000 and attributes of 16,384 bytes, written with escapes of up to six bytes each.
constexpr std::size_t described = 262'144;

constexpr std::array table{
    route{post, "/v1/hotels", "create_hotel", r::create_hotel, json, "", described},
    route{get, "/v1/hotels", "list_hotels", r::list_hotels, none, "limit cursor"},
    route{get, "/v1/hotels/{hotel}", "get_hotel", r::get_hotel},
    route{put, "/v1/hotels/{hotel}", "replace_hotel", r::replace_hotel, json, "", described},
    route{patch, "/v1/hotels/{hotel}", "change_hotel", r::change_hotel, merge_patch, "", described},
    route{del, "/v1/hotels/{hotel}", "remove_hotel", r::remove_hotel},

    route{post, "/v1/hotels/{hotel}/room-types", "add_room_type", r::add_room_type, json, "", described},
    route{get, "/v1/hotels/{hotel}/room-types", "list_room_types", r::list_room_types, none, "limit cursor"},
    route{get, "/v1/hotels/{hotel}/room-types/{room_type}", "get_room_type", r::get_room_type},
    route{put, "/v1/hotels/{hotel}/room-types/{room_type}", "replace_room_type", r::replace_room_type, json, "",
          described},
    route{patch, "/v1/hotels/{hotel}/room-types/{room_type}", "change_room_type", r::change_room_type, merge_patch, "",
          described},
    route{del, "/v1/hotels/{hotel}/room-types/{room_type}", "remove_room_type", r::remove_room_type},

    route{put, "/v1/hotels/{hotel}/rooms", "replace_rooms", r::replace_rooms, json, "", large},
    route{get, "/v1/hotels/{hotel}/rooms", "list_rooms", r::list_rooms, none, "limit cursor"},
    route{get, "/v1/hotels/{hotel}/calendar", "get_calendar", r::get_calendar, none, "from to room_type"},
    route{patch, "/v1/hotels/{hotel}/calendar", "change_calendar", r::change_calendar, merge_patch, "", large},
    route{get, "/v1/hotels/{hotel}/availability", "get_availability", r::get_availability, none,
          "check_in check_out guests rooms"},
    route{get, "/v1/hotels/{hotel}/reservations", "list_reservations_of_hotel", r::list_reservations_of_hotel, none,
          "status arriving departing in_house guest_name limit cursor"},

    route{get, "/v1/guests/{guest}", "get_guest", r::get_guest},
    route{patch, "/v1/guests/{guest}", "change_guest", r::change_guest, merge_patch},
    route{del, "/v1/guests/{guest}", "erase_guest", r::erase_guest},
    route{get, "/v1/guests/{guest}/export", "export_guest", r::export_guest, none, "limit cursor"},

    route{post, "/v1/reservations", "create_reservation", r::create_reservation, json},
    route{get, "/v1/reservations", "list_reservations_of_guest", r::list_reservations_of_guest, none,
          "guest_id when limit cursor"},
    route{get, "/v1/reservations/{reservation}", "get_reservation", r::get_reservation, none, "expand"},
    route{patch, "/v1/reservations/{reservation}", "change_reservation", r::change_reservation, merge_patch},
    route{post, "/v1/reservations/{reservation}/confirm", "confirm_reservation", r::confirm_reservation, json_if_any},
    route{post, "/v1/reservations/{reservation}/extend", "extend_hold", r::extend_hold, json_if_any},
    route{post, "/v1/reservations/{reservation}/cancel", "cancel_reservation", r::cancel_reservation, json_if_any},
    route{post, "/v1/reservations/{reservation}/check-in", "check_in_guest", r::check_in_guest, json_if_any},
    route{post, "/v1/reservations/{reservation}/check-out", "check_out_guest", r::check_out_guest, json_if_any},
    route{post, "/v1/reservations/{reservation}/no-show", "record_no_show", r::record_no_show, json_if_any},
    route{get, "/v1/reservations/{reservation}/history", "get_history", r::get_history, none, "limit cursor"},

    route{get, "/v1/cluster", "get_cluster", r::get_cluster},
    route{get, "/v1/cluster/hotels/{hotel}", "find_hotel_in_cluster", r::find_hotel_in_cluster},
    route{post, "/v1/cluster/nodes/{node}/drain", "drain_node", r::drain_node, json_if_any},
    route{post, "/v1/cluster/nodes/{node}/resume", "resume_node", r::resume_node, json_if_any},
    route{put, "/v1/cluster/nodes/{node}/weight", "weigh_node", r::weigh_node, json},
    route{put, "/v1/cluster/shards/{shard}/pin", "pin_shard", r::pin_shard, json},
    route{del, "/v1/cluster/shards/{shard}/pin", "unpin_shard", r::unpin_shard},
    route{post, "/v1/cluster/shards/{shard}/move", "move_shard", r::move_shard, json},
    route{post, "/v1/cluster/rebalance", "rebalance_cluster", r::rebalance_cluster, json_if_any, "dry_run"},
    route{get, "/v1/cluster/moves", "list_moves", r::list_moves, none, "limit cursor"},

    route{get, "/healthz", "healthz", r::healthz, none, "", small, false, true},
    route{get, "/readyz", "readyz", r::readyz, none, "", small, false, true},
    route{get, "/metrics", "metrics", r::metrics, none, "", small, true},
    route{get, "/openapi.json", "openapi", r::openapi},
    route{get, "/docs", "docs", r::docs, none, "", small, true},
};
static_assert(table.size() < 64, "the counters of requests have a row for each, and one for none");

}  // namespace

std::span<const route> route_table() { return table; }

}  // namespace keyrack::gateway
