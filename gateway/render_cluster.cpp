#include "gateway/render_cluster.hpp"

#include "actors/domain/shard.hpp"

#include <algorithm>

namespace keyrack::gateway {

namespace {

void text_or_null(json_writer& json, std::string_view name, const std::string& text) {
  json.name(name);
  if (text.empty()) {
    json.null();
  } else {
    json.value(text);
  }
}

void write_flows(json_writer& json, std::string_view name, const std::vector<shard_flow>& flows) {
  json.name(name).begin_array();
  for (const auto& f : flows) {
    json.begin_object().field("from", f.from).field("to", f.to).field("reason", f.reason).field("shards", f.shards);
    json.end_object();
  }
  json.end_array();
}

void write_cost(json_writer& json, std::string_view name, const move_cost& cost) {
  json.name(name).begin_object().field("shards", cost.shards).field("hotels", cost.hotels);
  json.field("at_a_time", cost.at_a_time).name("each_ms_p50");
  if (cost.each_p50) {
    json.value(cost.each_p50->count());
  } else {
    json.null();
  }
  json.end_object();
}

void write_node(json_writer& json, const node_status& n) {
  json.begin_object().field("name", n.row.name).field("incarnation", n.row.incarnation);
  json.field("http_address", n.row.http_address).field("actor_address", n.row.actor_address);
  json.field("version", n.row.version).field("weight", n.row.weight).field("drained", n.row.drained);
  json.field("leaving", n.row.leaving).field("shards", n.shards).field("arriving", n.arriving);
  json.field("departing", n.departing).field("pinned", n.pinned).field("beat_age_ms", n.beat_age.count());
  json.field("connected", n.row.connected).name("reaches").begin_array();
  for (const auto peer : n.row.reaches) json.value(peer);
  json.end_array().field("started_at", n.started_at).end_object();
}

void write_absent(json_writer& json, const absent_node& n) {
  json.begin_object().field("name", n.name).field("weight", n.weight).field("drained", n.drained);
  json.field("pinned", n.pinned);
  if (n.gone_at) json.field("gone_at", *n.gone_at);
  if (!n.gone_for.empty()) json.field("gone_for", n.gone_for);
  json.end_object();
}

}  // namespace

void write_cluster(json_writer& json, const cluster_status& of) {
  json.begin_object().field("well", of.concerns.empty()).field("concerns", of.concerns);
  json.name("nodes").begin_array();
  for (const auto& n : of.nodes) write_node(json, n);
  json.end_array().name("absent").begin_array();
  for (const auto& n : of.absent) write_absent(json, n);
  json.end_array().name("coordinator").begin_object();
  text_or_null(json, "node", of.coordinator);
  json.field("incarnation", of.coordinator_incarnation).field("term", of.term).end_object();
  json.name("shards").begin_object().field("total", shards_count).field("without_owner", of.without_owner);
  json.field("moving", of.moving).end_object().field("routes_version", of.routes_version);
  json.field("rebalance_running", of.rebalance_running).field("moves_asked", of.moves_asked);
  write_flows(json, "moves", of.moves);
  write_flows(json, "planned", of.planned);
  write_cost(json, "left", of.left);
  json.field("at", of.at).end_object();
}

void write_hotel_place(json_writer& json, const hotel_place& of) {
  json.begin_object().field("hotel_id", of.hotel).field("shard", of.shard);
  text_or_null(json, "node", of.owner);
  json.field("incarnation", of.owner_incarnation);
  text_or_null(json, "http_address", of.owner_http_address);
  text_or_null(json, "moving_to", of.moving_to);
  text_or_null(json, "pinned_to", of.pinned_to);
  json.field("sequence", of.sequence).end_object();
}

void write_node_change(json_writer& json, const node_change& of) {
  json.begin_object().field("node", of.node).field("weight", of.weight).field("drained", of.drained);
  json.field("running", of.there).field("shards", of.shards);
  write_flows(json, "planned", of.follows);
  write_cost(json, "cost", of.cost);
  json.end_object();
}

void write_pin_change(json_writer& json, const pin_change& of) {
  json.begin_object().field("shard", of.shard);
  text_or_null(json, "pinned_to", of.pinned_to);
  text_or_null(json, "node", of.owner);
  json.field("moves", of.moves).end_object();
}

void write_move(json_writer& json, const move_row& of) {
  auto outcome = of.outcome;
  std::ranges::replace(outcome, ' ', '_');
  json.begin_object().field("id", of.id).field("shard", of.shard);
  text_or_null(json, "from", of.from);
  json.field("to", of.to).field("reason", of.reason).field("outcome", outcome);
  if (!of.detail.empty()) json.field("detail", of.detail);
  json.field("asked_at", of.asked_at);
  if (of.begun_at) json.field("begun_at", *of.begun_at);
  if (of.ended_at) json.field("ended_at", *of.ended_at);
  if (of.begun_at && of.ended_at) {
    json.field("took_ms", std::chrono::duration_cast<std::chrono::milliseconds>(*of.ended_at - *of.begun_at).count());
  }
  json.end_object();
}

void write_rebalance(json_writer& json, const rebalance_answer& of) {
  json.begin_object().field("asked", of.asked).name("moves").begin_array();
  for (const auto& m : of.moves) {
    json.begin_object().field("shard", m.shard).field("from", m.from).field("to", m.to).field("reason", m.reason);
    json.end_object();
  }
  json.end_array().name("nodes").begin_array();
  for (const auto& n : of.nodes) {
    json.begin_object().field("node", n.node).field("weight", n.weight).field("before", n.before);
    json.field("after", n.after).end_object();
  }
  json.end_array();
  write_cost(json, "cost", of.cost);
  json.end_object();
}

}  // namespace keyrack::gateway
