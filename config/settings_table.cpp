// The table of settings. Knows no file, no environment, no command line.
#include "config/settings_table.hpp"

#include "config/settings_forms.hpp"

#include <array>

namespace keyrack {

namespace {

using namespace std::string_view_literals;

constexpr std::array log_levels{"debug"sv, "info"sv, "warn"sv, "error"sv};
constexpr std::array log_formats{"auto"sv, "json"sv, "text"sv};
constexpr std::int64_t hour_ms = 3'600'000;

/// A number, or a duration in the unit that its key names.
setting number(std::string_view key, setting_place place, std::int64_t at_least, std::int64_t at_most,
               std::string_view why) {
  return {.key = key, .place = place, .at_least = at_least, .at_most = at_most, .why = why};
}

setting choice(std::string_view key, setting_place place, std::span<const std::string_view> one_of,
               std::string_view why) {
  return {.key = key, .place = place, .at_most = 64, .one_of = one_of, .why = why};
}

setting text(std::string_view key, setting_place place, std::int64_t at_most, bool (*well_formed)(std::string_view),
             std::string_view form, std::string_view why) {
  return {.key = key, .place = place, .at_most = at_most, .well_formed = well_formed, .form = form, .why = why};
}

#define AT(section, name) [](settings& s) -> auto& { return s.section.name; }

const std::array all{
    text("node.name", AT(node, name), 63, is_node_name, "lower-case letters, digits and hyphens",
         "Stays the same when the node restarts; no two nodes of a cluster share one."),
    number(
        "node.scheduler_threads", AT(node, scheduler_threads), 0, 256,
        "Threads that run actors. 0: one for every two processors; the rest is for HTTP, the journal and PostgreSQL."),
    number("node.messages_per_turn", AT(node, messages_per_turn), 1, 100'000,
           "Messages that an actor handles before its thread turns to another: one hot hotel must not keep a thread."),

    text("database.url", AT(database, url), 4'096, is_not_empty, "a PostgreSQL connection string",
         "Connection string of libpq, key=value pairs or a postgresql:// URI. Never printed with its password."),
    text("database.url_file", AT(database, url_file), 4'096, nullptr, "",
         "A file whose first line is the connection string: keeps the password out of this file and of the "
         "environment."),
    number("database.connect_timeout_s", AT(database, connect_timeout), 1, 60, "Of one attempt to connect."),
    number("database.statement_timeout_ms", AT(database, statement_timeout), 100, hour_ms,
           "Of every statement without a bound of its own, such as those of migrate."),
    number("database.lock_timeout_ms", AT(database, lock_timeout), 10, 60'000,
           "How long a fence or a take-over waits for a lock before it terminates the connection that holds it."),
    number("database.idle_in_transaction_timeout_ms", AT(database, idle_in_transaction_timeout), 100, 600'000,
           "After it the server ends a transaction that does nothing, and frees its locks."),
    number("database.tcp_user_timeout_ms", AT(database, tcp_user_timeout), 500, 600'000,
           "Unacknowledged bytes for so long end a connection: a cut network must not look like a slow database."),
    number("database.keepalive_idle_s", AT(database, keepalive_idle), 1, 7'200,
           "An idle connection is probed after so long."),

    text(
        "gateway.host", AT(gateway, host), 253, is_host, "an address or a host name",
        "Address to listen on. Until there is authentication, whoever reaches it may do anything: keep it on loopback, "
        "or behind a proxy that knows its callers. 0.0.0.0 or ::, all addresses."),
    number("gateway.port", AT(gateway, port), 0, 65'535, "0: any free one, which the log names."),
    number("gateway.connections_max", AT(gateway, connections_max), 1, 1'000'000,
           "Connections open at once. The limit of open files must be above it."),
    number("gateway.in_flight_max", AT(gateway, in_flight_max), 1, 1'000'000,
           "Requests that wait for an answer at once. Over it: 503, not applied."),
    number("gateway.in_flight_per_hotel_max", AT(gateway, in_flight_per_hotel_max), 1, 1'000'000,
           "The same for one hotel, so that one flash sale does not shut out the others."),
    number("gateway.head_bytes_max", AT(gateway, head_bytes_max), 1'024, 1'048'576, "Request line and header fields."),
    number("gateway.body_bytes_max", AT(gateway, body_bytes_max), 1'024, 268'435'456,
           "The list of 100,000 rooms of the largest hotel fits. Over it: 413."),
    number("gateway.body_bytes_total_max", AT(gateway, body_bytes_total_max), 1'048'576, 2'147'483'647,
           "Of all bodies that are being read at once: bounds memory against many slow senders."),
    number("gateway.json_depth_max", AT(gateway, json_depth_max), 4, 256, "Nesting of JSON."),
    number("gateway.gzip_bytes_min", AT(gateway, gzip_bytes_min), 256, 1'073'741'824,
           "Smaller answers are not compressed: it would cost more than it saves."),
    number("gateway.head_timeout_ms", AT(gateway, head_timeout), 100, 600'000,
           "From a request's first byte to the end of its header."),
    number("gateway.body_timeout_ms", AT(gateway, body_timeout), 100, 600'000,
           "From the end of the header to the end of the body."),
    number("gateway.idle_timeout_ms", AT(gateway, idle_timeout), 100, hour_ms, "Between two requests of a connection."),
    number("gateway.write_timeout_ms", AT(gateway, write_timeout), 100, 600'000, "For a client to take its answer."),
    number("gateway.request_timeout_ms", AT(gateway, request_timeout), 100, 600'000,
           "Deadline of a command, from its last byte to its answer. After it: 504, outcome unknown."),
    number("gateway.leave_delay_ms", AT(gateway, leave_delay), 0, 600'000,
           "At shut-down, how long it still serves while /readyz says no, so that balancers send nobody any more. At "
           "least as "
           "long as they take to notice."),
    number("gateway.drain_timeout_ms", AT(gateway, drain_timeout), 0, 600'000,
           "At shut-down, how long requests that are under way may take to end."),
    number("gateway.retry_after_s", AT(gateway, retry_after), 1, 3'600, "What Retry-After says with 429 and 503."),
    text("gateway.cors_origins", AT(gateway, cors_origins), 100, is_origin, "origins such as https://example.com, or *",
         "Web origins whose pages may call the API. None: no page of another origin may."),
    text("gateway.trusted_proxies", AT(gateway, trusted_proxies), 100, is_network,
         "addresses or networks such as 10.0.0.0/8", "Only from these is X-Forwarded-For believed."),

    number(
        "journal.slots", AT(journal, slots), 1, 64,
        "Connections that append, with a thread each. Each more makes the others' batches smaller: worth it where the "
        "disk is slow and processors are idle."),
    number("journal.readers", AT(journal, readers), 1, 64, "Connections that load hotels, with a thread each."),
    number("journal.snapshot_writers", AT(journal, snapshot_writers), 1, 16,
           "Connections that save snapshots, with a thread each."),
    number("journal.batch_commits_max", AT(journal, batch_commits_max), 1, 65'536, "Commits (hotels) in one append."),
    number("journal.batch_bytes_max", AT(journal, batch_bytes_max), 4'096, 268'435'456,
           "Bytes in one append; a single commit that is larger goes alone."),
    number("journal.queue_commits_max", AT(journal, queue_commits_max), 1, 1'000'000,
           "Commits that wait at one slot. Over it hotels refuse: overloaded, not applied."),
    number("journal.append_timeout_ms", AT(journal, append_timeout), 100, 600'000,
           "An append without an answer for so long is in doubt: its connection is dropped, and the journal asked."),
    number("journal.doubt_deadline_ms", AT(journal, doubt_deadline), 100, hour_ms,
           "A doubt that the database has not settled by then is answered with outcome unknown."),
    number("journal.load_timeout_ms", AT(journal, load_timeout), 100, 600'000,
           "For one hotel's snapshot and the commits after it."),
    number("journal.reconnect_ms_min", AT(journal, reconnect_min), 1, 60'000,
           "Pause before the second attempt to connect; it doubles with each failure."),
    number("journal.reconnect_ms_max", AT(journal, reconnect_max), 1, 60'000,
           "Longest pause. Service returns at most this long after the database."),

    number("heartbeat.period_ms", AT(heartbeat, period), 10, 60'000, "Between two beats."),
    number(
        "heartbeat.lease_ms", AT(heartbeat, lease), 0, 60'000,
        "Answers from memory may leave for so long after the sending of a beat that came back. 0, for machines whose "
        "steady clock stands still while they are paused: each waits for a beat of its own."),
    number("heartbeat.grace_ms", AT(heartbeat, grace), 100, 600'000,
           "Silence for so long, and others fence the node and take its hotels. Fencing is always safe, so it may be "
           "short."),
    number("heartbeat.answer_timeout_ms", AT(heartbeat, answer_timeout), 50, 600'000,
           "A beat without an answer for so long: its connection is made anew."),
    number(
        "heartbeat.stall_ms", AT(heartbeat, stall), 100, 600'000,
        "A journal slot without progress for so long, while the database answers, stops the beats: a beat vouches for "
        "all slots."),
    number("heartbeat.clock_step_ms_max", AT(heartbeat, clock_step_max), 1, 600'000,
           "A larger step of the database's clock is refused and reported; cluster time goes on by the steady clock."),

    text(
        "transport.host", AT(transport, host), 253, is_host, "an address or a host name",
        "Address to listen on for other nodes. Without TLS whoever reaches it may do anything: keep it on loopback, or "
        "on a network of the cluster's own."),
    number("transport.port", AT(transport, port), 0, 65'535, "0: any free one; the others find it in the database."),
    text(
        "transport.advertise", AT(transport, advertise), 253,
        [](std::string_view text) { return text.empty() || is_host(text); }, "an address, a host name, or nothing",
        "The host under which other nodes reach this one. Empty: transport.host."),
    number("transport.connect_timeout_ms", AT(transport, connect_timeout), 10, 60'000,
           "Of one attempt to connect, and again of the greeting behind it."),
    number("transport.ping_period_ms", AT(transport, ping_period), 10, 60'000,
           "How often a linked node is asked whether it is there."),
    number("transport.silence_ms", AT(transport, silence), 50, 600'000,
           "A node that sends nothing for so long is dropped: it is frozen, or the network is cut."),
    number("transport.redial_ms_min", AT(transport, redial_min), 1, 60'000,
           "Pause before the second attempt to connect; it doubles with each failure."),
    number("transport.redial_ms_max", AT(transport, redial_max), 1, 60'000,
           "Longest pause. A node that is back is linked at most this long after."),
    number(
        "transport.in_flight_max", AT(transport, in_flight_max), 1, 1'000'000,
        "Requests at one other node that wait for an answer, and of one other node here. Over it: 503, not applied."),
    number("transport.in_flight_bytes_max", AT(transport, in_flight_bytes_max), 65'536, 2'147'483'647,
           "Their bytes: bounds memory against a node that does not keep up."),
    number("transport.frame_bytes_max", AT(transport, frame_bytes_max), 1'024, 33'554'432,
           "What waits for one node is sent together, in frames of so much; a request that is larger goes alone."),
    text("transport.certificate", AT(transport, certificate), 4'096, nullptr, "",
         "PEM file with this node's certificate and what leads to the CA. With key and ca: nodes talk by TLS, and "
         "whoever has a certificate of that CA is a node, whatever name is in it: use a CA that signs nothing else."),
    text("transport.key", AT(transport, key), 4'096, nullptr, "", "PEM file with its private key, without a password."),
    text("transport.ca", AT(transport, ca), 4'096, nullptr, "",
         "PEM file with the certificate of the CA that signs the nodes' certificates."),

    number("hotels.awake_max", AT(hotels, awake_max), 1, 10'000'000,
           "Hotels in memory. Over it the least recently used goes to sleep."),
    number("hotels.idle_after_s", AT(hotels, idle_after), 1, 604'800,
           "A hotel without a command for so long goes to sleep."),
    number("hotels.waiting_max", AT(hotels, waiting_max), 1, 1'000'000,
           "Commands at one hotel that are not answered yet. Over it: 503, not applied."),
    number("hotels.snapshot_every_events", AT(hotels, snapshot_every_events), 1, 10'000'000,
           "How much a recovery reads at most, against how often the whole state is written."),
    number("hotels.sweep_period_ms", AT(hotels, sweep_period), 10, hour_ms,
           "How often sleeping hotels with holds past their deadline are looked for and woken."),
    number("hotels.sweep_hotels_max", AT(hotels, sweep_hotels_max), 1, 100'000, "Hotels that one sweep wakes."),

    number("projector.period_ms", AT(projector, period), 1, 60'000,
           "Between two looks at the journal when there was nothing new."),
    number("projector.batch_commits_max", AT(projector, batch_commits_max), 1, 100'000, "Commits in one transaction."),
    number("projector.duty_percent_max", AT(projector, duty_percent_max), 1, 100,
           "Share of its time that it works; the rest is left to bookings. Its lag says what that costs."),

    number("records.threads", AT(records, threads), 1, 64,
           "Connections for guests, lists and histories, with a thread each."),
    number("records.queue_max", AT(records, queue_max), 1, 1'000'000,
           "Questions that wait. Over it: 503, not applied."),

    choice("log.level", AT(log, level), log_levels, "The least important level that is written."),
    choice("log.format", AT(log, format), log_formats, "auto: text on a terminal, else JSON, a line per event."),
    number("log.sample_successes", AT(log, sample_successes), 1, 1'000'000,
           "Of so many requests one has its successes logged, in every module. Failures always are. 1: all."),
    number("log.queue_lines_max", AT(log, queue_lines_max), 16, 1'000'000,
           "Lines that wait for the disk. Over it the oldest are dropped and counted, so that no request waits for a "
           "log."),
};

#undef AT

constexpr std::array sections{
    settings_section{"node", "This process."},
    settings_section{"database", "PostgreSQL: the only thing that lasts."},
    settings_section{"gateway", "HTTP. Everything that a client can make grow has a bound here."},
    settings_section{"journal", "Appends, and the loading of hotels."},
    settings_section{"heartbeat", "Who lives, who may answer from memory, and what time it is."},
    settings_section{"transport", "Between the nodes: links, requests, and what a node may make another one keep."},
    settings_section{"hotels", "Hotel actors: when they wake, wait, snapshot and sleep."},
    settings_section{"projector", "Keeps the tables for questions that are not about one hotel."},
    settings_section{"records", "Questions to those tables, and guests' personal data."},
    settings_section{"log", "Lines on standard error."},
};

}  // namespace

std::span<const setting> settings_table() { return all; }
std::span<const settings_section> settings_sections() { return sections; }

}  // namespace keyrack
