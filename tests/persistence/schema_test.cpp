// Goal: a schema is applied once, in order, and a program never works on one that it does not know.
#include "persistence/schema.hpp"
#include "tests/support/postgres_server.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace keyrack::persistence {
namespace {

using testing::soon;
using testing::test_database;

TEST(Schema, IsAppliedOnceAndThenUpToDate) {
  const test_database db;
  const auto before = check_schema(db.settings());
  ASSERT_TRUE(before) << before.error();
  EXPECT_EQ(before->database, 0);
  EXPECT_EQ(before->pending.size(), schema_steps().size());

  const auto first = migrate(db.settings());
  ASSERT_TRUE(first) << first.error();
  EXPECT_EQ(first->applied.size(), schema_steps().size());
  EXPECT_EQ(first->database, first->program);

  const auto second = migrate(db.settings());
  ASSERT_TRUE(second) << second.error();
  EXPECT_TRUE(second->applied.empty());
  EXPECT_EQ(db.number("SELECT count(*) FROM shards"), 1024);
}

TEST(Schema, RefusesADatabaseThatIsNewer) {
  const test_database db;
  ASSERT_TRUE(migrate(db.settings()));
  db.run("INSERT INTO schema_steps (number, name) VALUES (9999, '9999_from_the_future')");
  for (const auto& refused : {migrate(db.settings()), check_schema(db.settings())}) {
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().find("newer"), std::string::npos) << refused.error();
  }
}

TEST(Schema, RefusesStepsThatAreNotOurs) {
  const test_database db;
  ASSERT_TRUE(migrate(db.settings()));
  db.run("UPDATE schema_steps SET name = '0001_other' WHERE number = 1");
  const auto refused = migrate(db.settings());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("0001_other"), std::string::npos) << refused.error();
}

TEST(Schema, LeavesNothingOfAStepThatFailed) {
  const test_database db;
  const std::vector<schema_step> steps{
      {.number = 1, .name = "0001_good", .sql = "CREATE TABLE good (x int)"},
      {.number = 2, .name = "0002_bad", .sql = "CREATE TABLE bad (x int); SELECT 1 / 0"}};
  const auto failed = migrate(db.settings(), steps);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().find("0002_bad"), std::string::npos) << failed.error();
  EXPECT_EQ(db.number("SELECT count(*) FROM schema_steps"), 1);
  EXPECT_EQ(db.number("SELECT count(*) FROM pg_class WHERE relname = 'bad'"), 0);
}

TEST(Schema, IsAppliedOnceByTwoProgramsAtATime) {
  const test_database db;
  std::expected<schema_status, std::string> other;
  {
    std::jthread t{[&] { other = migrate(db.settings()); }};
    const auto mine = migrate(db.settings());
    EXPECT_TRUE(mine) << mine.error();
  }
  EXPECT_TRUE(other) << other.error();
  EXPECT_EQ(db.number("SELECT count(*) FROM schema_steps"), static_cast<std::int64_t>(schema_steps().size()));
}

TEST(Schema, RefusesAServerThatForgetsWhatItAcknowledged) {
  const test_database db;
  auto c = db.connect();
  EXPECT_TRUE(check_durability(c, soon()));
  for (const auto* below : {"off", "local", "remote_write"}) {
    testing::run_sql(c, std::string{"SET synchronous_commit = "} + below);
    const auto refused = check_durability(c, soon());
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().find("synchronous_commit"), std::string::npos);
  }
}

}  // namespace
}  // namespace keyrack::persistence
