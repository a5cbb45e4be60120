// What operators see and steer: nodes, shards, moves, and where a hotel lives. A wish is the same when it is made twice: a
// request key is taken, and nothing needs to be remembered for it. Nothing here has a version.
#include "gateway/list_page.hpp"
#include "gateway/render_cluster.hpp"
#include "gateway/routes/commands.hpp"
#include "gateway/routes/handlers.hpp"

#include <boost/json/value.hpp>

#include <string>

namespace keyrack::gateway::routes {
namespace {

constexpr std::size_t node_name_bytes_max = 63;

std::string read_node_name(const boost::json::value& body, fault_list& faults) {
  const json_place root;
  object_reader in{body, root, faults};
  auto name = in.text("node", need::required, {.bytes_max = node_name_bytes_max});
  in.finish();
  return name;
}

int read_weight(const boost::json::value& body, fault_list& faults) {
  const json_place root;
  object_reader in{body, root, faults};
  const auto weight = in.number("weight", need::required, {.least = 0, .most = node_weight_max});
  in.finish();
  return static_cast<int>(weight.value_or(0));
}

/// Whether a change may be made; else the exchange has failed.
bool may_change(exchange& x, const std::optional<request>& by) {
  if (!by) return false;
  if (by->if_match) {
    x.fail(errc::version_conflict, "What operators change has no versions: leave If-Match out.");
    return false;
  }
  x.command_sent = true;
  return true;
}

/// The answer; of a path that names an unknown node it is a 404.
template <typename T>
T* accept_of_node(exchange& x, record_result<T>& found) {
  const auto* why = std::get_if<failure>(&found);
  if (why == nullptr || why->code != errc::node_unknown) return x.accept(found);
  auto what = problem_of(errc::node_unknown, why->detail);
  what.kind.status = 404;
  x.fail(what);
  return nullptr;
}

task<> set_drained(exchange& x, bool drained) {
  const auto by = begin_without_fields(x);
  if (!may_change(x, by)) co_return;
  auto found = co_await x.look_up<node_change>([&x, drained](steady_instant until, record_callback<node_change> then) {
    x.use.operators.set_drained(x.path.node, drained, until, std::move(then));
  });
  const auto* changed = accept_of_node(x, found);
  if (changed == nullptr) co_return;
  json_writer json{x.answer.body};
  write_node_change(json, *changed);
}

}  // namespace

task<> get_cluster(exchange& x) {
  auto found = co_await x.look_up<cluster_status>([&x](steady_instant until, record_callback<cluster_status> then) {
    x.use.operators.status(until, std::move(then));
  });
  const auto* status = x.accept(found);
  if (status == nullptr) co_return;
  json_writer json{x.answer.body};
  write_cluster(json, *status);
}

task<> find_hotel_in_cluster(exchange& x) {
  auto found = co_await x.look_up<hotel_place>([&x](steady_instant until, record_callback<hotel_place> then) {
    x.use.operators.where(x.path.hotel, until, std::move(then));
  });
  const auto* place = x.accept(found);
  if (place == nullptr) co_return;
  json_writer json{x.answer.body};
  write_hotel_place(json, *place);
}

task<> drain_node(exchange& x) { co_await set_drained(x, true); }
task<> resume_node(exchange& x) { co_await set_drained(x, false); }

task<> weigh_node(exchange& x) {
  const auto ready = read_and_begin(x, read_weight);
  if (!ready || !may_change(x, ready->first)) co_return;
  auto found = co_await x.look_up<node_change>(
      [&x, weight = ready->second](steady_instant until, record_callback<node_change> then) {
        x.use.operators.set_weight(x.path.node, weight, until, std::move(then));
      });
  const auto* changed = accept_of_node(x, found);
  if (changed == nullptr) co_return;
  json_writer json{x.answer.body};
  write_node_change(json, *changed);
}

task<> pin_shard(exchange& x) {
  const auto ready = read_and_begin(x, read_node_name);
  if (!ready || !may_change(x, ready->first)) co_return;
  auto found = co_await x.look_up<pin_change>(
      [&x, &node = ready->second](steady_instant until, record_callback<pin_change> then) {
        x.use.operators.pin(x.path.shard, node, until, std::move(then));
      });
  const auto* pinned = x.accept(found);
  if (pinned == nullptr) co_return;
  json_writer json{x.answer.body};
  write_pin_change(json, *pinned);
}

task<> unpin_shard(exchange& x) {
  const auto by = x.begin_command(nullptr);
  if (!may_change(x, by)) co_return;
  auto found = co_await x.look_up<pin_change>([&x](steady_instant until, record_callback<pin_change> then) {
    x.use.operators.unpin(x.path.shard, until, std::move(then));
  });
  if (x.accept(found) == nullptr) co_return;
  x.answer.status = 204;
  x.answer.no_body = true;
}

task<> move_shard(exchange& x) {
  const auto ready = read_and_begin(x, read_node_name);
  if (!ready || !may_change(x, ready->first)) co_return;
  auto found =
      co_await x.look_up<move_row>([&x, &node = ready->second](steady_instant until, record_callback<move_row> then) {
        x.use.operators.move(x.path.shard, node, until, std::move(then));
      });
  const auto* asked = x.accept(found);
  if (asked == nullptr) co_return;
  json_writer json{x.answer.body};
  write_move(json, *asked);
}

task<> rebalance_cluster(exchange& x) {
  const auto text = x.query->text("dry_run");
  if (x.query->has("dry_run") && text != "true" && text != "false") {
    x.query->add_fault("dry_run", "value", "Either true or false.");
  }
  if (x.query_failed()) co_return;
  const auto by = begin_without_fields(x);
  if (!may_change(x, by)) co_return;
  auto found = co_await x.look_up<rebalance_answer>(
      [&x, dry = text == "true"](steady_instant until, record_callback<rebalance_answer> then) {
        x.use.operators.rebalance(dry, until, std::move(then));
      });
  const auto* planned = x.accept(found);
  if (planned == nullptr) co_return;
  json_writer json{x.answer.body};
  write_rebalance(json, *planned);
}

task<> list_moves(exchange& x) {
  const auto list = read_list(x);
  if (!list) co_return;
  std::optional<std::int64_t> before;
  if (list->position) before = static_cast<std::int64_t>(number_of(*list->position).value_or(0));
  auto found = co_await x.look_up<move_page>(
      [&x, before, limit = list->limit](steady_instant until, record_callback<move_page> then) {
        x.use.operators.list_moves(before, limit, until, std::move(then));
      });
  const auto* listed = x.accept(found);
  if (listed == nullptr) co_return;
  json_writer json{x.answer.body};
  json.begin_object().name("data").begin_array();
  for (const auto& m : listed->rows) write_move(json, m);
  json.end_array();
  const bool more = listed->more && !listed->rows.empty();
  finish_list(x, json, more ? std::optional{std::to_string(listed->rows.back().id)} : std::nullopt);
  json.end_object();
}

}  // namespace keyrack::gateway::routes
