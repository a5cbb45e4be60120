// Every metric of a node: name, unit, help, labels. One struct, handed by reference to whoever counts; modules count and
// never name. `metrics_text` is what /metrics answers.
//
//   metrics.gateway.connections.add();                              // one instrument
//   auto& latency = metrics.gateway.request_seconds.of({"/readyz"});  // a family: look up once, keep the reference
//   latency.observe(now - begun);
#pragma once

#include "config/instruments.hpp"

#include <string>
#include <string_view>

namespace keyrack {

struct gateway_metrics {
  metric_registry& into;
  metric_family<counter> requests{into, "keyrack_gateway_requests_total", "Requests answered.", {"route", "status"}};
  metric_family<histogram> request_seconds{into,
                                           "keyrack_gateway_request_seconds",
                                           "From a request's last byte read to its answer's first byte written.",
                                           {"route"},
                                           buckets::durations};
  metric_family<counter> rejected{into,
                                  "keyrack_gateway_rejected_total",
                                  "Requests and connections turned away at a bound, by the bound.",
                                  {"reason"}};
  metric_family<counter> closed{
      into, "keyrack_gateway_closed_total", "Connections closed by this side, by reason.", {"reason"}};
  metric<counter> accepted{into, "keyrack_gateway_accepted_total", "Connections accepted."};
  metric<gauge> connections{into, "keyrack_gateway_connections", "Connections open now."};
  metric<gauge> in_flight{into, "keyrack_gateway_in_flight", "Requests that wait for their answer now."};
  metric<counter> lease_waits{into, "keyrack_gateway_lease_waits_total",
                              "Answers from memory that had to wait for a heartbeat before they left."};
  metric<counter> late_answers{into, "keyrack_gateway_late_answers_total",
                               "Answers that came after their request's deadline and were thrown away."};
};

struct router_metrics {
  metric_registry& into;
  metric_family<counter> given_back{
      into,
      "keyrack_router_given_back_total",
      "Commands and queries of other nodes that this one gave back untouched, by reason; they are tried again where "
      "they came in.",
      {"reason"}};
  metric_family<counter> given_up{
      into,
      "keyrack_router_given_up_total",
      "Commands and queries of this node's clients that ended in a failure, by the last "
      "attempt's; deadlines passed while parked count as unavailable, those who found no room "
      "to wait as overloaded.",
      {"reason"}};
  metric_family<counter> retries{
      into, "keyrack_router_retries_total", "Commands sent again, by the failure before.", {"reason"}};
  metric<counter> forwarded{into, "keyrack_router_forwarded_total", "Commands and queries sent to other nodes."};
  metric<counter> deadlines{into, "keyrack_router_deadlines_total", "Commands whose deadline passed on the way."};
  metric<gauge> parked{into, "keyrack_router_parked", "Commands that wait to be tried again."};
  metric<gauge> routes_version{
      into, "keyrack_router_routes_version",
      "Grows with every change of a shard's owner or target; nodes that differ for long have lost touch."};
};

struct cluster_metrics {
  metric_registry& into;
  metric<gauge> nodes{into, "keyrack_cluster_nodes", "Nodes that there are, as this one sees it."};
  metric<gauge> coordinates{into, "keyrack_cluster_coordinates", "1 while this node is the coordinator."};
  metric<gauge> incarnation{into, "keyrack_cluster_incarnation",
                            "Which life of this node it is; 0 while it has no place in the cluster."};
  metric<counter> places_lost{
      into, "keyrack_cluster_places_lost_total",
      "Times that this node lost its place: it was fenced, and came back as another incarnation."};
  metric<gauge> shards_without_owner{into, "keyrack_cluster_shards_without_owner",
                                     "Shards that nobody who is there owns, as this node sees it: their hotels are "
                                     "not answered."};
  metric<gauge> moves_under_way{into, "keyrack_cluster_moves_under_way",
                                "Shards on their way to another node, as this node sees it."};
  metric_family<counter> looks{
      into, "keyrack_cluster_looks_total", "Readings of the cluster's rows, by outcome.", {"outcome"}};
  metric<histogram> look_seconds{into, "keyrack_cluster_look_seconds", "Time that a reading took.", buckets::durations};
  metric_family<counter> fences{
      into,
      "keyrack_cluster_fences_total",
      "Nodes fenced by this one, by reason: silent, gone, predecessor (an earlier life of its own name).",
      {"reason"}};
  metric_family<histogram> fence_seconds{into,
                                         "keyrack_cluster_fence_seconds",
                                         "From the last beat that this node saw of another to its fence by this one "
                                         "being durable, by the fence's reason.",
                                         {"reason"},
                                         buckets::outages};
  metric<histogram> failover_seconds{into, "keyrack_cluster_failover_seconds",
                                     "From the last beat that this node saw of one that was fenced to serving the last "
                                     "of its shards that came here, on this node's steady clock: within a beat and a "
                                     "look what guests of these hotels waited. Each heir counts its own part; a node "
                                     "that started after the last beat counts none.",
                                     buckets::outages};
  metric<counter> shards_inherited{into, "keyrack_cluster_shards_inherited_total",
                                   "Shards of fenced nodes that this one serves since."};
  metric_family<counter> moves_begun{
      into,
      "keyrack_cluster_moves_begun_total",
      "Moves of shards begun by this node as coordinator, by reason: operator, pinned, drained, leaving, balance (a "
      "node came, or weighs another), rebalance, cut_off.",
      {"reason"}};
  metric_family<histogram> move_seconds{into,
                                        "keyrack_cluster_move_seconds",
                                        "Moves that ended at their target: from beginning it, as coordinator, to "
                                        "seeing the new owner, by the move's reason. Of moves begun by this node.",
                                        {"reason"},
                                        buckets::durations};
  metric_family<counter> moves_called_off{into,
                                          "keyrack_cluster_moves_called_off_total",
                                          "Moves called off by this node as coordinator, by reason: target_gone, "
                                          "too_late. Of an owner that dies they end without being called off.",
                                          {"reason"}};
  metric<histogram> hand_over_seconds{
      into, "keyrack_cluster_hand_over_seconds",
      "At the node that gives: from its last command admitted for a shard that moves to the "
      "hand-over being durable. So long, and until routers hear of it, its hotels' "
      "guests wait.",
      buckets::durations};
};

struct hotel_metrics {
  metric_registry& into;
  metric_family<counter> commands{into,
                                  "keyrack_hotel_commands_total",
                                  "Commands and queries answered by hotels, by kind and answer.",
                                  {"kind", "answer"}};
  metric<histogram> answer_seconds{into, "keyrack_hotel_answer_seconds",
                                   "From a command's arrival at its hotel to its answer, the commit included.",
                                   buckets::durations};
  metric<gauge> awake{into, "keyrack_hotel_awake", "Hotels in memory now."};
  metric_family<gauge> shards{into,
                              "keyrack_hotel_shards",
                              "Shards that this node owns, by state: serving, waiting (for the lease of a fenced "
                              "owner to end), leaving (for another node).",
                              {"state"}};
  metric<gauge> waiting{into, "keyrack_hotel_waiting", "Commands at hotels that are not answered yet."};
  metric_family<counter> recoveries{into, "keyrack_hotel_recoveries_total", "Hotels loaded, by result.", {"result"}};
  metric<histogram> recovery_seconds{into, "keyrack_hotel_recovery_seconds",
                                     "From a hotel's first command to its loaded state.", buckets::durations};
  metric<counter> loaded_ahead{into, "keyrack_hotel_loaded_ahead_total",
                               "Hotels loaded here before their shard had moved here."};
  metric_family<counter> snapshots{into, "keyrack_hotel_snapshots_total", "Snapshots, by result.", {"result"}};
  metric<counter> lapsed_holds{into, "keyrack_hotel_lapsed_holds_total", "Holds whose deadline passed unconfirmed."};
  metric<counter> sleeps{into, "keyrack_hotel_sleeps_total", "Hotels put to sleep."};
  metric_family<counter> stops{
      into, "keyrack_hotel_stops_total", "Hotels stopped by a failure, by reason.", {"reason"}};
};

struct journal_metrics {
  metric_registry& into;
  metric<histogram> batch_commits{into, "keyrack_journal_batch_commits", "Commits (hotels) in one append.",
                                  buckets::counts};
  metric<histogram> batch_events{into, "keyrack_journal_batch_events", "Events in one append.", buckets::counts};
  metric<histogram> batch_bytes{into, "keyrack_journal_batch_bytes", "Payload bytes in one append.", buckets::bytes};
  metric<histogram> append_seconds{into, "keyrack_journal_append_seconds", "From an append's sending to its answer.",
                                   buckets::durations};
  metric<histogram> queued_seconds{into, "keyrack_journal_queued_seconds",
                                   "How long a commit waited for its append to be sent.", buckets::durations};
  metric_family<counter> commits{into,
                                 "keyrack_journal_commits_total",
                                 "Commits by how their append ended: applied, conflict, fenced, failed, unknown.",
                                 {"result"}};
  metric<counter> in_doubt{into, "keyrack_journal_in_doubt_total", "Appends whose answer was lost."};
  metric_family<counter> doubts_ended{into,
                                      "keyrack_journal_doubts_ended_total",
                                      "How appends in doubt ended: applied, appended_again, fenced, unknown.",
                                      {"how"}};
  metric<gauge> doubts_open{into, "keyrack_journal_doubts_open", "Appends in doubt now."};
  metric_family<gauge> queue_commits{into, "keyrack_journal_queue_commits", "Commits waiting at a slot.", {"slot"}};
  metric_family<counter> reconnects{
      into, "keyrack_journal_reconnects_total", "Connections made anew, by the connection's role.", {"role"}};
};

struct heartbeat_metrics {
  metric_registry& into;
  metric_family<counter> beats{
      into, "keyrack_heartbeat_beats_total", "Beats by result: ok, failed, fenced, held_back.", {"result"}};
  metric<histogram> beat_seconds{into, "keyrack_heartbeat_beat_seconds", "A beat's round trip, its commit included.",
                                 buckets::durations};
  metric<gauge> beat_age_seconds{into, "keyrack_heartbeat_beat_age_seconds",
                                 "Since the sending of the last beat that came back. Beyond heartbeat.lease_ms answers "
                                 "from memory wait, beyond heartbeat.grace_ms others fence this node; +Inf: it has no "
                                 "place."};
  metric<counter> lease_refused{into, "keyrack_heartbeat_lease_refused_total",
                                "Answers from memory that no lease covered as they left."};
  metric<counter> clock_corrections{into, "keyrack_heartbeat_clock_corrections_total",
                                    "Corrections of cluster time that were followed."};
  metric<counter> clock_steps_refused{into, "keyrack_heartbeat_clock_steps_refused_total",
                                      "Steps of the database's clock that were too large to follow."};
  metric<gauge> clock_offset_seconds{into, "keyrack_heartbeat_clock_offset_seconds",
                                     "The database's clock less cluster time, at the last beat."};
};

struct transport_metrics {
  metric_registry& into;
  metric_family<counter> frames{
      into, "keyrack_transport_frames_total", "Frames from and to other nodes, by direction: in, out.", {"direction"}};
  metric_family<counter> bytes{
      into, "keyrack_transport_bytes_total", "Bytes from and to other nodes, by direction: in, out.", {"direction"}};
  metric<gauge> in_flight{into, "keyrack_transport_in_flight", "Requests at other nodes that wait for their answer."};
  metric<gauge> in_flight_bytes{into, "keyrack_transport_in_flight_bytes", "Their bytes."};
  metric<gauge> unsent{into, "keyrack_transport_unsent", "Of them those that the network has not taken yet."};
  metric<gauge> credit_used_ratio{into, "keyrack_transport_credit_used_ratio",
                                  "Of the peer that has most of this node's requests unanswered: their share of "
                                  "transport.in_flight_max or in_flight_bytes_max. At 1 more are refused."};
  metric<gauge> unanswered{into, "keyrack_transport_unanswered",
                           "Requests of other nodes that this one has not answered yet."};
  metric<gauge> answers_unsent{into, "keyrack_transport_answers_unsent",
                               "Answers to other nodes that the network has not taken yet."};
  metric<gauge> links_up{into, "keyrack_transport_links_up",
                         "Other nodes that this one has a link with: one less than keyrack_cluster_nodes when all is "
                         "well."};
  metric_family<counter> refusals{into,
                                  "keyrack_transport_refusals_total",
                                  "Requests refused because too much was unanswered: outgoing (to a node, by this "
                                  "one), incoming (of a node, by this one).",
                                  {"direction"}};
  metric<histogram> round_trip_seconds{into, "keyrack_transport_round_trip_seconds",
                                       "From a request's leaving to its answer's arrival.", buckets::durations};
  metric_family<counter> link_changes{into,
                                      "keyrack_transport_link_changes_total",
                                      "What outgoing links became: linked, connecting, refused, lost, rejected.",
                                      {"state"}};
  metric<counter> late_answers{into, "keyrack_transport_late_answers_total",
                               "Answers that came after their request's deadline and were thrown away."};
};

struct projector_metrics {
  metric_registry& into;
  metric<gauge> lag_commits{into, "keyrack_projector_lag_commits", "Commits that the projection has not seen yet."};
  metric<gauge> lag_seconds{into, "keyrack_projector_lag_seconds", "Age of the oldest commit that it has not seen."};
  metric<counter> commits{into, "keyrack_projector_commits_total", "Commits projected."};
  metric<counter> failures{into, "keyrack_projector_failures_total", "Batches that failed and were tried again."};
  metric<histogram> batch_seconds{into, "keyrack_projector_batch_seconds", "Time of one batch, its commit included.",
                                  buckets::durations};
  metric<gauge> horizon_seconds{
      into, "keyrack_projector_horizon_seconds",
      "Age of the server's oldest writing transaction, which hides later commits from readers."};
  metric<gauge> stopped{into, "keyrack_projector_stopped",
                        "1: it has met a commit that it cannot read, and projects nothing behind it; alert."};
};

struct records_metrics {
  metric_registry& into;
  metric_family<counter> questions{into,
                                   "keyrack_records_questions_total",
                                   "Questions to the tables beside the journal, by kind and result.",
                                   {"kind", "result"}};
  metric<histogram> question_seconds{into, "keyrack_records_question_seconds",
                                     "From a question to its answer, the wait for a connection included.",
                                     buckets::durations};
  metric<gauge> busy{into, "keyrack_records_busy", "Connections at work now."};
  metric<gauge> queue{into, "keyrack_records_queue", "Questions that wait for a connection."};
};

struct process_metrics {
  metric_registry& into;
  metric_family<gauge> build_info{
      into, "keyrack_build_info", "Always 1; which program this is.", {"version", "compiler", "build"}};
  metric<gauge> log_dropped{into, "keyrack_log_dropped_lines",
                            "Log lines that did not fit into the queue since start."};
  metric<gauge> resident_bytes{into, "process_resident_memory_bytes", "Resident memory."};
  metric<gauge> cpu_seconds{into, "process_cpu_seconds_total", "Processor time used, user and system."};
  metric<gauge> open_files{into, "process_open_fds", "Open file descriptors."};
  metric<gauge> start_seconds{into, "process_start_time_seconds", "Start time, seconds since 1970."};
};

/// All of a node's metrics. Not copied, not moved; outlives whoever counts.
struct metrics {
  explicit metrics(std::string_view version = "dev");
  metrics(const metrics&) = delete;

  metric_registry registry;
  gateway_metrics gateway{registry};
  router_metrics router{registry};
  cluster_metrics cluster{registry};
  hotel_metrics hotel{registry};
  journal_metrics journal{registry};
  heartbeat_metrics heartbeat{registry};
  transport_metrics transport{registry};
  projector_metrics projector{registry};
  records_metrics records{registry};
  process_metrics process{registry};
};

/// The text exposition (version 0.0.4) of all metrics, in the order of this file.
std::string metrics_text(const metrics& of);

}  // namespace keyrack
