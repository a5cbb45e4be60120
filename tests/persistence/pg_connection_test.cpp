// Goal: every call says truly whether its statement was executed, and none outlives its deadline.
#include "persistence/pg_connection.hpp"
#include "tests/support/postgres_server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <thread>

namespace keyrack::persistence {
namespace {

using namespace std::chrono_literals;
using testing::soon;
using testing::test_database;

constexpr pg_statement echo{.name = "echo", .sql = "SELECT $1, $2, $3, $4, $5, $6, $7"};

TEST(PgConnection, SendsAndReadsValuesInBinary) {
  const test_database db;
  auto c = db.connect();
  const instant at{std::chrono::microseconds{1'795'262'521'123'456}};
  const std::string bytes{"\0\xff\n", 3};
  const auto rows = c.run(echo,
                          pg_params{}
                              .int2(-2)
                              .int4(1 << 30)
                              .int8(std::int64_t{-1} << 40)
                              .boolean(true)
                              .text("Zoë’s")
                              .bytea(bytes)
                              .timestamptz(at),
                          soon());
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->integer(0, 0), -2);
  EXPECT_EQ(rows->integer(0, 1), 1 << 30);
  EXPECT_EQ(rows->integer(0, 2), std::int64_t{-1} << 40);
  EXPECT_TRUE(rows->boolean(0, 3));
  EXPECT_EQ(rows->bytes(0, 4), "Zoë’s");
  EXPECT_EQ(rows->bytes(0, 5), bytes);
  EXPECT_EQ(rows->timestamptz(0, 6), at);
}

TEST(PgConnection, SendsArraysAsOneValueEach) {
  const test_database db;
  auto c = db.connect();
  constexpr pg_statement unnest{.name = "unnest", .sql = R"sql(
    SELECT a, b, c, d, e FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::bytea[], $5::timestamptz[])
           WITH ORDINALITY AS u(a, b, c, d, e, n) ORDER BY n)sql"};
  const std::vector<std::int64_t> a{1, -2};
  const std::vector<std::int16_t> b{3, -4};
  const std::vector<std::string_view> texts{"x", ""};
  const std::vector<std::int64_t> times{0, 1};
  const auto rows = c.run(
      unnest, pg_params{}.int8_array(a).int2_array(b).text_array(texts).bytea_array(texts).timestamptz_array(times),
      soon());
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->rows(), 2);
  EXPECT_EQ(rows->integer(1, 0), -2);
  EXPECT_EQ(rows->integer(1, 1), -4);
  EXPECT_EQ(rows->bytes(0, 2), "x");
  EXPECT_EQ(rows->bytes(1, 3), "");
  EXPECT_EQ(rows->timestamptz(1, 4), from_pg_microseconds(1));

  const auto none = c.run(
      unnest, pg_params{}.int8_array({}).int2_array({}).text_array({}).bytea_array({}).timestamptz_array({}), soon());
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_EQ(none->rows(), 0);
}

TEST(PgConnection, SaysRefusedForAnErrorAndGoesOn) {
  const test_database db;
  auto c = db.connect();
  const auto bad = c.run({.name = "divide", .sql = "SELECT 1 / $1::int"}, pg_params{}.int4(0), soon());
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().kind, pg_failure::refused);
  EXPECT_EQ(bad.error().sqlstate, "22012");
  EXPECT_TRUE(c.usable());
  EXPECT_TRUE(c.run({.name = "one", .sql = "SELECT 1"}, {}, soon()));
}

TEST(PgConnection, SaysNotSentWhenPreparingFails) {
  const test_database db;
  auto c = db.connect();
  const auto bad = c.run({.name = "typo", .sql = "SELEKT 1"}, {}, soon());
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().kind, pg_failure::not_sent);
  EXPECT_EQ(bad.error().sqlstate, "42601");
}

TEST(PgConnection, SaysInDoubtWhenTheDeadlinePassesAndClosesTheConnection) {
  const test_database db;
  auto c = db.connect();
  const auto late = c.run({.name = "sleep", .sql = "SELECT pg_sleep(30)"}, {}, call_deadline::in("50 ms", 50ms));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, pg_failure::in_doubt);
  EXPECT_NE(late.error().message.find("50 ms"), std::string::npos);
  EXPECT_FALSE(c.usable());
  const auto after = c.run({.name = "one", .sql = "SELECT 1"}, {}, soon());
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().kind, pg_failure::not_sent);
}

TEST(PgConnection, SaysInDoubtWhenItsBackendIsEndedUnderWay) {
  const test_database db;
  auto c = db.connect("victim");
  std::jthread killer{[&] {
    auto other = db.connect("killer");
    constexpr pg_statement kill{.name = "kill",
                                .sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                                       "application_name = 'victim' AND wait_event = 'PgSleep'"};
    for (;;) {
      const auto hit = other.run(kill, {}, soon());
      if (!hit || hit->integer(0, 0) > 0) return;
    }
  }};
  const auto cut = c.run({.name = "sleep", .sql = "SELECT pg_sleep(30)"}, {}, soon());
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().kind, pg_failure::in_doubt);
  EXPECT_EQ(cut.error().sqlstate, "57P01");
  EXPECT_FALSE(c.usable());
}

// A warning is how PostgreSQL tells that a commit did not wait for its standby.
TEST(PgConnection, TakesAWarningForADoubtUnlessTheStatementToleratesIt) {
  const test_database db;
  auto c = db.connect();
  constexpr auto warns = "SELECT pg_terminate_backend(999999999)";
  const auto doubted = c.run({.name = "warns", .sql = warns}, {}, soon());
  ASSERT_FALSE(doubted);
  EXPECT_EQ(doubted.error().kind, pg_failure::in_doubt);
  EXPECT_TRUE(c.run({.name = "warns_2", .sql = warns, .tolerates_warnings = true}, {}, soon()));
}

// The tag of an INSERT comes before its commit: a constraint that is checked at the commit shows the difference.
TEST(PgConnection, DoesNotBelieveTheTagThatComesBeforeTheCommit) {
  const test_database db;
  db.run("CREATE TABLE parent (id int PRIMARY KEY);"
         "CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)");
  auto c = db.connect();
  const auto orphan = c.run({.name = "orphan", .sql = "INSERT INTO child VALUES (1)"}, {}, soon());
  ASSERT_FALSE(orphan);
  EXPECT_EQ(orphan.error().kind, pg_failure::refused);
  EXPECT_EQ(orphan.error().sqlstate, "23503");
  EXPECT_EQ(db.number("SELECT count(*) FROM child"), 0);
}

TEST(PgConnection, GivesUpConnectingAtItsDeadlineAndNeverTellsThePassword) {
  database_settings s;
  s.url = secret{"host=/nonexistent dbname=x password=hunter2"};
  const auto c = pg_connection::connect(s, "test", call_deadline::in("50 ms", 50ms));
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().kind, pg_failure::not_sent);
  EXPECT_EQ(c.error().message.find("hunter2"), std::string::npos);

  s.url = secret{"postgresql://x:hunter2@[bad"};
  const auto bad = pg_connection::connect(s, "test", soon());
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message.find("hunter2"), std::string::npos);
}

/// This process's socket to that address; -1 when there is none.
int socket_to(const std::string& address) {
  constexpr int most = 1024;
  for (int fd = 0; fd < most; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0 || peer.sin_family != AF_INET) continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    if (address == ::inet_ntop(AF_INET, &peer.sin_addr, text.data(), text.size())) return fd;
  }
  return -1;
}

int option_of(int socket, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(socket, level, option, &value, &size) == 0 ? value : -1;
}

// Goal: whoever's peer has vanished finds out in seconds, on both sides; and no transaction that somebody forgot holds its
// locks for long. On TCP: a Unix socket's peer cannot vanish, and has none of these.
TEST(PgConnection, BoundsOnTcpHowLongAPeerThatVanishedIsWaitedFor) {
  // An address of this process's own, since the port is every private server's.
  const auto address = fmt::format("127.77.{}.{}", getpid() / 250 % 250, getpid() % 250 + 1);
  const testing::postgres_server server{{"listen_addresses=" + address}};
  database_settings s;
  s.url = secret{"postgresql://keyrack@" + address + ":5432/keyrack"};
  s.keepalive_idle = 7s;
  s.tcp_user_timeout = 4'321ms;
  s.idle_in_transaction_timeout = 9'876ms;
  auto c = testing::connect_for_test(s);
  constexpr std::array<std::array<const char*, 3>, 6> wanted{{
      {"idle", "SHOW tcp_keepalives_idle", "7"},  // as the kernel has it
      {"interval", "SHOW tcp_keepalives_interval", "1"},
      {"count", "SHOW tcp_keepalives_count", "3"},
      {"user_timeout", "SHOW tcp_user_timeout", "4321"},
      {"check", "SHOW client_connection_check_interval", "4321ms"},
      {"forgotten", "SHOW idle_in_transaction_session_timeout", "9876ms"},
  }};
  for (const auto& [name, sql, value] : wanted) {
    const auto shown = c.run({.name = name, .sql = sql}, {}, soon());
    ASSERT_TRUE(shown) << sql << ": " << shown.error().message;
    EXPECT_EQ(shown->bytes(0, 0), value) << sql;
  }
  const int socket = socket_to(address);
  ASSERT_GE(socket, 0);
  EXPECT_EQ(option_of(socket, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option_of(socket, IPPROTO_TCP, TCP_KEEPIDLE), 7);
  EXPECT_EQ(option_of(socket, IPPROTO_TCP, TCP_KEEPINTVL), 1);
  EXPECT_EQ(option_of(socket, IPPROTO_TCP, TCP_KEEPCNT), 3);
  EXPECT_EQ(option_of(socket, IPPROTO_TCP, TCP_USER_TIMEOUT), 4'321);
}

}  // namespace
}  // namespace keyrack::persistence
