// libpq's own rules that this rests on: in non-blocking mode PQgetResult returns null only after ReadyForQuery, or when
// the connection is gone; a command's tag comes before its commit, so the first result proves nothing; a FATAL error may
// come after the commit (the backend was told to end while it waited for a standby), so only an ERROR is a refusal.
#include "persistence/pg_connection.hpp"

#include "actors/domain/assert.hpp"
#include "actors/ports.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <set>
#include <utility>
#include <vector>

namespace keyrack::persistence {

namespace {

using raw_connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using raw_result = std::unique_ptr<PGresult, decltype(&PQclear)>;

std::string one_line(const char* text) {
  std::string line{text == nullptr ? "" : text};
  std::ranges::replace(line, '\n', ' ');
  std::ranges::replace(line, '\t', ' ');
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? "" : text;
}

/// Poll's milliseconds until `at`: 0 when it has passed, rounded up so that nobody spins.
int milliseconds_until(steady_instant at) {
  const auto left = (at - steady_now()).count();
  if (left <= 0) return 0;
  return static_cast<int>(std::min<std::int64_t>((left + 999'999) / 1'000'000, 60'000));
}

/// Waits until the socket can be read (or written, where asked). False when the time is over.
bool wait_for(int socket, bool write_too, steady_instant until) {
  for (;;) {
    pollfd one{.fd = socket, .events = static_cast<short>(POLLIN | (write_too ? POLLOUT : 0)), .revents = 0};
    const int ready = ::poll(&one, 1, milliseconds_until(until));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // libpq will find out what is wrong
    if (steady_now() >= until) return false;
  }
}

struct connection_options {
  std::vector<std::string> keywords;
  std::vector<std::string> values;
  void set(std::string_view keyword, std::string value) {
    for (std::size_t i = 0; i < keywords.size(); ++i) {
      if (keywords[i] == keyword) {
        values[i] = std::move(value);
        return;
      }
    }
    keywords.emplace_back(keyword);
    values.push_back(std::move(value));
  }
  std::string get(std::string_view keyword) const {
    for (std::size_t i = 0; i < keywords.size(); ++i) {
      if (keywords[i] == keyword) return values[i];
    }
    return {};
  }
};

/// The url's own words, with ours added: they win, since the promises rest on them.
std::expected<connection_options, pg_error> options_for(const database_settings& settings, std::string_view name) {
  char* why = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed{
      PQconninfoParse(settings.url.reveal().c_str(), &why), &PQconninfoFree};
  if (!parsed) {
    // libpq's own sentence may quote the url, and with it a password.
    PQfreemem(why);
    return std::unexpected(pg_error{.kind = pg_failure::not_sent,
                                    .sqlstate = {},
                                    .message = "database.url is neither key=value pairs nor a postgresql:// URI"});
  }
  connection_options o;
  for (const auto* one = parsed.get(); one->keyword != nullptr; ++one) {
    if (one->val != nullptr) o.set(one->keyword, one->val);
  }
  o.set("application_name", std::string{name});
  o.set("client_encoding", "UTF8");
  o.set("keepalives", "1");
  o.set("keepalives_idle", fmt::to_string(settings.keepalive_idle.count()));
  o.set("keepalives_interval", "1");
  o.set("keepalives_count", "3");
  o.set("tcp_user_timeout", fmt::to_string(settings.tcp_user_timeout.count()));
  // The server's side of the same, so that it lets go of the locks of a client that has vanished.
  o.set("options",
        fmt::format("{} -c idle_in_transaction_session_timeout={} -c tcp_keepalives_idle={} "
                    "-c tcp_keepalives_interval=1 -c tcp_keepalives_count=3 -c tcp_user_timeout={} "
                    "-c client_connection_check_interval={} -c default_transaction_isolation=read\\ committed "
                    "-c default_transaction_read_only=off",
                    o.get("options"), settings.idle_in_transaction_timeout.count(), settings.keepalive_idle.count(),
                    settings.tcp_user_timeout.count(), settings.tcp_user_timeout.count()));
  return o;
}

}  // namespace

call_deadline call_deadline::in(std::string_view name, std::chrono::nanoseconds time) {
  return {.name = name, .at = steady_now() + time};
}

std::string application_name(std::int64_t incarnation, std::string_view role) {
  return fmt::format("keyrack/{}/{}", incarnation, role);
}

struct pg_connection::state {
  raw_connection raw{nullptr, &PQfinish};
  int backend = 0;
  std::set<std::string, std::less<>> prepared;
  // Of the statement under way.
  bool tolerates_warnings = false;
  std::string warning;
  raw_result last{nullptr, &PQclear};
  pg_error failed;
  bool has_failed = false;

  static void on_notice(void* arg, const PGresult* notice);
  void begin_call(bool warnings_tolerated);
  pg_error lost(std::string message);
  pg_error too_late(const call_deadline& deadline);
  void take(raw_result result);
  pg_outcome conclude();
  std::expected<void, pg_error> prepare(const pg_statement& statement, const pg_params& params, call_deadline deadline);
  std::optional<pg_outcome> receive(steady_instant until, call_deadline deadline);
};

void pg_connection::state::on_notice(void* arg, const PGresult* notice) {
  if (field(notice, PG_DIAG_SEVERITY_NONLOCALIZED) != "WARNING") return;
  static_cast<state*>(arg)->warning = one_line(PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY));
}

void pg_connection::state::begin_call(bool warnings_tolerated) {
  tolerates_warnings = warnings_tolerated;
  warning.clear();
  last.reset();
  has_failed = false;
}

/// Closes the socket: whatever the server still does with the statement, it is not answered here any more.
pg_error pg_connection::state::lost(std::string message) {
  raw.reset();
  last.reset();
  return {.kind = pg_failure::in_doubt, .sqlstate = {}, .message = std::move(message)};
}

pg_error pg_connection::state::too_late(const call_deadline& deadline) {
  return lost(fmt::format("no answer within {}", deadline.name));
}

/// Takes one result of possibly several; the last good one is kept, and any bad one spoils all.
void pg_connection::state::take(raw_result result) {
  const auto status = PQresultStatus(result.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
    last = std::move(result);
    return;
  }
  if (std::exchange(has_failed, true)) return;  // what follows is libpq's own: that the connection was closed
  const bool refused = field(result.get(), PG_DIAG_SEVERITY_NONLOCALIZED) == "ERROR";
  failed = {.kind = refused ? pg_failure::refused : pg_failure::in_doubt,
            .sqlstate = field(result.get(), PG_DIAG_SQLSTATE),
            .message = field(result.get(), PG_DIAG_MESSAGE_PRIMARY)};
  // Not the server's details and context: they may quote values, and values may be personal. libpq's own errors have none.
  if (failed.message.empty()) failed.message = one_line(PQresultErrorMessage(result.get()));
}

/// All results are in. Ready again means: the connection stands, and no transaction is open on it.
pg_outcome pg_connection::state::conclude() {
  if (PQstatus(raw.get()) != CONNECTION_OK || PQtransactionStatus(raw.get()) != PQTRANS_IDLE) {
    auto error = lost(has_failed ? failed.message : "the connection was lost before the server was ready again");
    if (has_failed) error.sqlstate = failed.sqlstate;
    return std::unexpected(std::move(error));
  }
  if (has_failed && failed.kind == pg_failure::in_doubt) return std::unexpected(lost(failed.message));
  if (has_failed) return std::unexpected(failed);
  if (!warning.empty() && !tolerates_warnings) {
    return std::unexpected(pg_error{.kind = pg_failure::in_doubt, .sqlstate = {}, .message = "warning: " + warning});
  }
  if (!last) return pg_rows{};
  return pg_rows{std::shared_ptr<const void>{
      last.release(), [](const void* p) { PQclear(const_cast<PGresult*>(static_cast<const PGresult*>(p))); }}};
}

std::optional<pg_outcome> pg_connection::state::receive(steady_instant until, call_deadline deadline) {
  const auto first_end = std::min(until, deadline.at);
  if (!raw) return std::unexpected(lost("the connection is closed"));
  for (;;) {
    const int unsent = PQflush(raw.get());
    // A lost connection is read to its end too: what the server said last tells why.
    const bool broken = PQconsumeInput(raw.get()) == 0;
    while (broken || PQisBusy(raw.get()) == 0) {
      raw_result result{PQgetResult(raw.get()), &PQclear};
      if (!result) return conclude();
      take(std::move(result));
    }
    if (wait_for(PQsocket(raw.get()), unsent == 1, first_end)) continue;
    if (steady_now() >= deadline.at) return std::unexpected(too_late(deadline));
    return std::nullopt;
  }
}

std::expected<void, pg_error> pg_connection::state::prepare(const pg_statement& statement, const pg_params& params,
                                                            call_deadline deadline) {
  if (prepared.contains(std::string_view{statement.name})) return {};
  std::vector<Oid> types;
  for (const auto& v : params.values()) types.push_back(v.type);
  begin_call(true);
  const auto not_sent = [](pg_error e) {
    e.kind = pg_failure::not_sent;  // nothing but the preparation was sent
    return std::unexpected(std::move(e));
  };
  if (PQsendPrepare(raw.get(), statement.name, statement.sql, static_cast<int>(types.size()), types.data()) == 0) {
    return not_sent(lost(one_line(PQerrorMessage(raw.get()))));
  }
  auto done = receive(deadline.at, deadline);
  if (!done) return not_sent(too_late(deadline));
  if (!*done) return not_sent(done->error());
  prepared.emplace(statement.name);
  return {};
}

pg_connection::pg_connection(std::unique_ptr<state> s) : state_(std::move(s)) {}
pg_connection::pg_connection(pg_connection&&) noexcept = default;
pg_connection& pg_connection::operator=(pg_connection&&) noexcept = default;
pg_connection::~pg_connection() = default;

std::expected<pg_connection, pg_error> pg_connection::connect(const database_settings& settings, std::string_view name,
                                                              call_deadline deadline) {
  const auto options = options_for(settings, name);
  if (!options) return std::unexpected(options.error());
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& k : options->keywords) keywords.push_back(k.c_str());
  for (const auto& v : options->values) values.push_back(v.c_str());
  keywords.push_back(nullptr);
  values.push_back(nullptr);

  auto s = std::make_unique<state>();
  s->raw.reset(PQconnectStartParams(keywords.data(), values.data(), 0));
  const auto failed = [&](std::string message) {
    return std::unexpected(
        pg_error{.kind = pg_failure::not_sent, .sqlstate = {}, .message = "cannot connect: " + std::move(message)});
  };
  if (!s->raw) return failed("out of memory");
  PQsetNoticeReceiver(s->raw.get(), &state::on_notice, s.get());
  auto wants = PGRES_POLLING_WRITING;
  while (wants != PGRES_POLLING_OK) {
    if (wants == PGRES_POLLING_FAILED || PQstatus(s->raw.get()) == CONNECTION_BAD) {
      return failed(one_line(PQerrorMessage(s->raw.get())));
    }
    pollfd one{.fd = PQsocket(s->raw.get()), .events = POLLIN, .revents = 0};
    if (wants == PGRES_POLLING_WRITING) one.events = POLLOUT;
    const int ready = ::poll(&one, 1, milliseconds_until(deadline.at));
    if (ready == 0 && steady_now() >= deadline.at) return failed(fmt::format("no answer within {}", deadline.name));
    if (ready > 0) wants = PQconnectPoll(s->raw.get());
  }
  PQsetnonblocking(s->raw.get(), 1);
  s->backend = PQbackendPID(s->raw.get());
  return pg_connection{std::move(s)};
}

std::expected<void, pg_error> pg_connection::send(const pg_statement& statement, const pg_params& params,
                                                  call_deadline deadline) {
  if (!usable()) {
    return std::unexpected(
        pg_error{.kind = pg_failure::not_sent, .sqlstate = {}, .message = "the connection is closed"});
  }
  if (auto prepared = state_->prepare(statement, params, deadline); !prepared) return prepared;
  const auto count = params.values().size();
  std::vector<const char*> values(count);
  std::vector<int> lengths(count);
  const std::vector<int> formats(count, 1);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& v = params.values()[i];
    values[i] = v.length < 0 ? nullptr : params.bytes().data() + v.begin;
    lengths[i] = std::max(v.length, 0);
  }
  state_->begin_call(statement.tolerates_warnings);
  if (PQsendQueryPrepared(state_->raw.get(), statement.name, static_cast<int>(count), values.data(), lengths.data(),
                          formats.data(), 1) == 0) {
    return std::unexpected(state_->lost(one_line(PQerrorMessage(state_->raw.get()))));  // part of it may have left
  }
  return {};
}

std::optional<pg_outcome> pg_connection::receive(steady_instant until, call_deadline deadline) {
  return state_->receive(until, deadline);
}

pg_outcome pg_connection::run(const pg_statement& statement, const pg_params& params, call_deadline deadline) {
  if (auto sent = send(statement, params, deadline); !sent) return std::unexpected(sent.error());
  auto outcome = receive(deadline.at, deadline);
  return outcome ? std::move(*outcome) : std::unexpected(state_->too_late(deadline));
}

pg_outcome pg_connection::run_script(const std::string& sql, call_deadline deadline) {
  if (!usable()) {
    return std::unexpected(
        pg_error{.kind = pg_failure::not_sent, .sqlstate = {}, .message = "the connection is closed"});
  }
  state_->begin_call(false);
  if (PQsendQuery(state_->raw.get(), sql.c_str()) == 0) {
    return std::unexpected(state_->lost(one_line(PQerrorMessage(state_->raw.get()))));
  }
  auto outcome = receive(deadline.at, deadline);
  return outcome ? std::move(*outcome) : std::unexpected(state_->too_late(deadline));
}

bool pg_connection::usable() const {
  return state_ && state_->raw && PQstatus(state_->raw.get()) == CONNECTION_OK &&
         PQtransactionStatus(state_->raw.get()) == PQTRANS_IDLE;
}

int pg_connection::backend_pid() const { return state_->backend; }

}  // namespace keyrack::persistence
