// Every setting of a node, with its default. Built-in, then file, then environment, then command line: the last one that
// speaks wins. Knows nothing of what the settings are used for; what each means, its unit, range and reason is in one
// table, settings_table.cpp, and in keyrack.toml, which a test holds to it.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace keyrack {

/// A text that is never printed: it has no conversion, no output operator, and `config show` masks it.
class secret {
public:
  secret() = default;
  explicit secret(std::string value) : value_(std::move(value)) {}
  /// The text itself, for the one library call that needs it.
  const std::string& reveal() const { return value_; }
  bool operator==(const secret&) const = default;

private:
  std::string value_;
};

// In the file a duration's key ends in its unit: `heartbeat.lease` is `heartbeat.lease_ms` there. Ranges are in the table.
struct node_settings {
  std::string name = "node-1";  ///< stays when the node restarts; unique in its cluster
  int scheduler_threads = 0;    ///< of CAF; 0: one for every two processors
  int messages_per_turn = 100;  ///< of an actor, before its thread turns to another one
};

struct database_settings {
  secret url{"host=/run/postgresql dbname=keyrack"};  ///< libpq's: key=value pairs or a postgresql:// URI
  std::string url_file;                               ///< a file that holds the url instead
  std::chrono::seconds connect_timeout{5};
  std::chrono::milliseconds statement_timeout{5'000};  ///< of every statement that has no other bound
  std::chrono::milliseconds lock_timeout{300};         ///< of fences and take-overs, before they terminate the holder
  std::chrono::milliseconds idle_in_transaction_timeout{5'000};
  std::chrono::milliseconds tcp_user_timeout{5'000};
  std::chrono::seconds keepalive_idle{5};
};

struct gateway_settings {
  std::string host = "127.0.0.1";
  int port = 8080;  ///< 0: any free one, which is logged
  int connections_max = 12'000;
  int in_flight_max = 8'192;            ///< requests of this node that wait for an answer
  int in_flight_per_hotel_max = 4'096;  ///< of them, of one hotel
  int head_bytes_max = 16'384;
  int body_bytes_max = 8'388'608;
  int body_bytes_total_max = 268'435'456;  ///< of all requests that are being read
  int json_depth_max = 32;
  int gzip_bytes_min = 2'048;  ///< smaller answers are never compressed
  std::chrono::milliseconds head_timeout{10'000};
  std::chrono::milliseconds body_timeout{20'000};
  std::chrono::milliseconds idle_timeout{60'000};  ///< between two requests of a connection
  std::chrono::milliseconds write_timeout{20'000};
  std::chrono::milliseconds request_timeout{10'000};  ///< the deadline that a command carries
  std::chrono::milliseconds leave_delay{500};
  std::chrono::milliseconds drain_timeout{15'000};
  std::chrono::seconds retry_after{1};       ///< told with 429 and 503
  std::vector<std::string> cors_origins;     ///< "*" for any; none: no CORS headers
  std::vector<std::string> trusted_proxies;  ///< addresses or networks whose Forwarded headers are believed
};

struct journal_settings {
  int slots = 1;             ///< connections that append, a thread each
  int readers = 2;           ///< connections that load hotels, a thread each
  int snapshot_writers = 1;  ///< connections that save snapshots, a thread each
  int batch_commits_max = 1'024;
  int batch_bytes_max = 4'194'304;
  int queue_commits_max = 32'768;                    ///< waiting at one slot
  std::chrono::milliseconds append_timeout{5'000};   ///< without an answer for so long: in doubt
  std::chrono::milliseconds doubt_deadline{15'000};  ///< unresolved for so long: answers become `unknown`
  std::chrono::milliseconds load_timeout{5'000};     ///< of one hotel: snapshot and the commits after it
  std::chrono::milliseconds reconnect_min{50};       ///< doubles with each failure
  std::chrono::milliseconds reconnect_max{1'000};
};

struct heartbeat_settings {
  std::chrono::milliseconds period{200};
  std::chrono::milliseconds lease{500};
  std::chrono::milliseconds grace{2'000};
  std::chrono::milliseconds answer_timeout{1'500};  ///< of one beat, then its connection is made anew
  std::chrono::milliseconds stall{10'000};          ///< a slot without progress for so long: no more beats
  std::chrono::milliseconds clock_step_max{1'000};  ///< larger corrections of the database's clock are refused
};

struct transport_settings {
  std::string host = "127.0.0.1";
  int port = 0;           ///< 0: any free one
  std::string advertise;  ///< the host that other nodes are told; empty: `host`
  std::chrono::milliseconds connect_timeout{1'000};
  std::chrono::milliseconds ping_period{500};
  std::chrono::milliseconds silence{2'000};  ///< without a byte for so long: the link is closed
  std::chrono::milliseconds redial_min{50};  ///< doubles with each failure
  std::chrono::milliseconds redial_max{1'000};
  int in_flight_max = 16'384;            ///< requests at one peer that wait for an answer
  int in_flight_bytes_max = 67'108'864;  ///< their bytes
  int frame_bytes_max = 262'144;         ///< what waits is sent together, in frames of so much
  std::string certificate;               ///< PEM files: all three, or none
  std::string key;
  std::string ca;
};

struct hotels_settings {
  int awake_max = 20'000;
  std::chrono::seconds idle_after{600};
  int waiting_max = 4'096;  ///< commands of one hotel that are not answered yet
  int snapshot_every_events = 5'000;
  std::chrono::milliseconds sweep_period{1'000};  ///< of deadlines of holds whose hotel sleeps
  int sweep_hotels_max = 500;                     ///< woken by one sweep
};

struct projector_settings {
  std::chrono::milliseconds period{50};
  int batch_commits_max = 2'000;
  int duty_percent_max = 30;  ///< of its time at work; the rest is left to bookings
};

struct records_settings {
  int threads = 2;        ///< a connection each
  int queue_max = 1'000;  ///< questions that wait for a thread
};

struct log_settings {
  std::string level = "info";
  std::string format = "auto";  ///< json, text; auto: text on a terminal
  int sample_successes = 100;   ///< one of so many is logged; failures always
  int queue_lines_max = 8'192;  ///< waiting to be written
};

struct settings {
  node_settings node;
  database_settings database;
  gateway_settings gateway;
  journal_settings journal;
  heartbeat_settings heartbeat;
  transport_settings transport;
  hotels_settings hotels;
  projector_settings projector;
  records_settings records;
  log_settings log;
};

}  // namespace keyrack
