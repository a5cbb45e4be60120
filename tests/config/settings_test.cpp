// Goal: settings come from four sources in order, whatever is wrong is said at once with its place, and no secret is
// ever printed.
#include "config/settings_load.hpp"
#include "config/settings_table.hpp"

#include <boost/pfr.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace keyrack {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A file that is gone at the end of the test.
class temporary_file {
public:
  explicit temporary_file(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "keyrack-settings-XXXXXX").string();
    close(mkstemp(name.data()));
    path = name;
    std::ofstream{path} << text;
  }
  temporary_file(const temporary_file&) = delete;
  ~temporary_file() { std::filesystem::remove(path); }
  std::filesystem::path path;
};

/// `PLACE: MESSAGE` of each fault, with the file's directory cut off.
std::vector<std::string> faults_of(const settings_sources& from) {
  std::vector<std::string> out;
  const auto loaded = load_settings(from);
  if (loaded) return out;
  const auto directory = from.file ? from.file->string() : std::string{"(no file)"};
  for (const auto& fault : loaded.error()) {
    auto line = fmt::format("{}: {}", fault.place, fault.message);
    for (auto at = line.find(directory); at != line.npos; at = line.find(directory))
      line.replace(at, directory.size(), "F");
    out.push_back(line);
  }
  return out;
}

loaded_settings loaded(const settings_sources& from) {
  auto result = load_settings(from);
  EXPECT_TRUE(result.has_value()) << fmt::format("{}", fmt::join(faults_of(from), "\n"));
  return result ? *result : loaded_settings{};
}

TEST(Settings, AreTheBuiltInOnesWithoutAnySource) {
  const auto built_in = loaded({});
  EXPECT_EQ(built_in.values.gateway.port, 8080);
  EXPECT_THAT(built_in.origins, IsEmpty());
}

TEST(Settings, TheLastSourceThatSpeaksWins) {
  const temporary_file file{"[gateway]\nport = 1\nhost = \"::1\"\nhead_timeout_ms = 1000\n[log]\nlevel = \"warn\"\n"};
  const auto all =
      loaded({.file = file.path,
              .environment = {{"KEYRACK_GATEWAY_PORT", "2"}, {"KEYRACK_LOG_LEVEL", "debug"}, {"HOME", "/"}},
              .assignments = {"gateway.port=3", "gateway.port=4"}});
  EXPECT_EQ(all.values.gateway.port, 4);
  EXPECT_EQ(all.values.log.level, "debug");
  EXPECT_EQ(all.values.gateway.host, "::1");
  EXPECT_EQ(all.values.gateway.head_timeout, std::chrono::seconds{1});
  EXPECT_EQ(all.origins.at("gateway.port"), "--set gateway.port");
  EXPECT_EQ(all.origins.at("log.level"), "KEYRACK_LOG_LEVEL");
  EXPECT_EQ(all.origins.at("gateway.host"), file.path.string() + ":3");
}

TEST(Settings, ListsAreArraysInTheFileAndCommasElsewhere) {
  const temporary_file file{"[gateway]\ncors_origins = [\"https://a.example\", \"http://b.example:8080\"]\n"};
  const auto all = loaded(
      {.file = file.path, .environment = {{"KEYRACK_GATEWAY_TRUSTED_PROXIES", "10.0.0.0/8,::1"}}, .assignments = {}});
  EXPECT_THAT(all.values.gateway.cors_origins, ElementsAre("https://a.example", "http://b.example:8080"));
  EXPECT_THAT(all.values.gateway.trusted_proxies, ElementsAre("10.0.0.0/8", "::1"));
  EXPECT_THAT(loaded({.file = file.path, .environment = {}, .assignments = {"gateway.cors_origins="}})
                  .values.gateway.cors_origins,
              IsEmpty());
}

TEST(Settings, AllFaultsOfAllSourcesAreSaidAtOnce) {
  const temporary_file file{"[gateway]\nport = 70000\nprot = 1\n[gatway]\nhost = \"x\"\n[node]\nname = 7\n"};
  EXPECT_THAT(
      faults_of({.file = file.path,
                 .environment = {{"KEYRACK_GATEWAY_PROT", "1"}, {"KEYRACK_JOURNAL_SLOTS", "many"}},
                 .assignments = {"hotels.awake_max=0", "nonsense=1", "log.level"}}),
      ElementsAre("F:2: gateway.port must be 0 … 65535, is 70000",
                  "F:3: gateway.prot is not a setting; did you mean gateway.port?",
                  "F:5: gatway.host is not a setting; did you mean gateway.host?",
                  "F:7: node.name must be a text in quotes",
                  "KEYRACK_GATEWAY_PROT: KEYRACK_GATEWAY_PROT is not a setting; did you mean KEYRACK_GATEWAY_PORT?",
                  "KEYRACK_JOURNAL_SLOTS: journal.slots must be a whole number, 1 … 64",
                  "--set hotels.awake_max: hotels.awake_max must be 1 … 10000000, is 0",
                  "--set nonsense: nonsense is not a setting", "--set log.level: has no value: write --set key=value"));
}

TEST(Settings, AVariableThatLooksLikeOursIsRefusedAndAStrangersIsNot) {
  for (const auto* ours : {"KEYRACK_GATEWAY_NONSENSE", "KEYRACK_GATWAY_PORT", "KEYRACK_GATEWAYPORT", "KEYRACK_LOG_"}) {
    EXPECT_EQ(faults_of({.file = {}, .environment = {{ours, "1"}}, .assignments = {}}).size(), 1U) << ours;
  }
  for (const auto* other : {"KEYRACK_CONFIG", "KEYRACK_TEST_DATABASE_URL", "KEYRACK_PORT", "KEYRACK_SERVICE_PORT",
                            "KEYRACK_PORT_8080_TCP", "KEYRACK_", "PGHOST", "keyrack_gateway_port"}) {
    EXPECT_THAT(faults_of({.file = {}, .environment = {{other, "x"}}, .assignments = {}}), IsEmpty()) << other;
  }
}

struct fault_case {
  std::string assignment;
  std::string fault;
};
void PrintTo(const fault_case& of, std::ostream* out) { *out << of.assignment; }
class FaultOfOne : public testing::TestWithParam<fault_case> {};

TEST_P(FaultOfOne, NamesWhatIsAllowed) {
  const auto faults = faults_of({.file = {}, .environment = {}, .assignments = {GetParam().assignment}});
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_THAT(faults.front(), HasSubstr(GetParam().fault));
}

INSTANTIATE_TEST_SUITE_P(
    Settings, FaultOfOne,
    testing::Values(fault_case{"gateway.port=-1", "must be 0 … 65535, is -1"},
                    fault_case{"gateway.port=8080x", "must be a whole number"},
                    fault_case{"gateway.port=", "must be a whole number"},
                    fault_case{"gateway.port= 8080", "must be a whole number"},
                    fault_case{"gateway.port=99999999999999999999", "must be a whole number"},
                    fault_case{"gateway.port=4294975376", "must be 0 … 65535"},
                    fault_case{"heartbeat.period_ms=200ms", "must be a whole number"},
                    fault_case{"log.level=verbose", "must be debug, info, warn or error, is \"verbose\""},
                    fault_case{"log.format=xml", "must be auto, json or text"},
                    fault_case{"node.name=Node 1", "lower-case letters"},
                    fault_case{"node.name=-a", "lower-case letters"},
                    fault_case{"node.name=" + std::string(64, 'a'), "at most 63 bytes, has 64"},
                    fault_case{"gateway.host=", "an address or a host name"},
                    fault_case{"gateway.host=a b", "an address or a host name"},
                    fault_case{"gateway.trusted_proxies=10.0.0.0/33", "addresses or networks"},
                    fault_case{"gateway.trusted_proxies=::1/129", "addresses or networks"},
                    fault_case{"gateway.trusted_proxies=example.org", "addresses or networks"},
                    fault_case{"gateway.cors_origins=example.org", "origins such as"},
                    fault_case{"gateway.cors_origins=https://example.org/", "origins such as"},
                    fault_case{"gateway.cors_origins=https://example.org:99999", "origins such as"},
                    fault_case{"heartbeat.lease_ms=200", "heartbeat.period_ms must be below heartbeat.lease_ms"},
                    fault_case{"heartbeat.lease_ms=2000", "heartbeat.lease_ms must be below heartbeat.grace_ms"},
                    fault_case{"heartbeat.answer_timeout_ms=2000", "must be below heartbeat.grace_ms"},
                    fault_case{"gateway.in_flight_max=10",
                               "gateway.in_flight_per_hotel_max must not be above gateway.in_flight_max"},
                    fault_case{"gateway.body_bytes_total_max=1048576", "gateway.body_bytes_max must not be above"},
                    fault_case{"journal.append_timeout_ms=20000", "must be below journal.doubt_deadline_ms"},
                    fault_case{"journal.load_timeout_ms=10000", "must be below gateway.request_timeout_ms"},
                    fault_case{"journal.reconnect_ms_min=2000", "must not be above journal.reconnect_ms_max"},
                    fault_case{"database.url_file=/does/not/exist", "cannot read /does/not/exist"}));

TEST(Settings, ARuleBetweenTwoNamesWhereBothCameFrom) {
  EXPECT_THAT(faults_of({.file = {}, .environment = {{"KEYRACK_HEARTBEAT_LEASE_MS", "100"}}, .assignments = {}}),
              ElementsAre("built-in, KEYRACK_HEARTBEAT_LEASE_MS: heartbeat.period_ms must be below heartbeat.lease_ms: "
                          "else the lease runs out between two beats"));
}

TEST(Settings, ARuleIsSilentAboutAValueThatIsWrongAlreadyAndSpeaksBesideOtherFaults) {
  EXPECT_THAT(
      faults_of(
          {.file = {}, .environment = {}, .assignments = {"heartbeat.grace_ms=1", "journal.load_timeout_ms=10000"}}),
      ElementsAre(HasSubstr("heartbeat.grace_ms must be 100"), HasSubstr("journal.load_timeout_ms must be below")));
}

TEST(Settings, ALeaseOfZeroIsNoLeaseAndNoFault) {
  EXPECT_EQ(
      loaded({.file = {}, .environment = {}, .assignments = {"heartbeat.lease_ms=0"}}).values.heartbeat.lease.count(),
      0);
}

TEST(Settings, AFileThatIsNoneIsRefusedWithItsLine) {
  EXPECT_THAT(faults_of({.file = "/does/not/exist.toml", .environment = {}, .assignments = {}}),
              ElementsAre("F: cannot be read"));
  EXPECT_THAT(faults_of({.file = "/tmp", .environment = {}, .assignments = {}}), ElementsAre("F: cannot be read"));
  const temporary_file broken{"[gateway]\nport = = 1\n"};
  const auto faults = faults_of({.file = broken.path, .environment = {}, .assignments = {}});
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_THAT(faults.front(), HasSubstr("F:2: "));
  const temporary_file twice{"[gateway]\nport = 1\nport = 2\n"};
  EXPECT_EQ(faults_of({.file = twice.path, .environment = {}, .assignments = {}}).size(), 1U);
  const temporary_file kinds{"gateway.port = 1.5\ngateway.host = 2031-03-01\nnode.name = [[1]]\nlog = 5\n"};
  EXPECT_THAT(faults_of({.file = kinds.path, .environment = {}, .assignments = {}}),
              ElementsAre(AllOf(HasSubstr("F:"), HasSubstr("neither a whole number")), HasSubstr("F:"), HasSubstr("F:"),
                          "F:4: log is not a setting"));
  const temporary_file large{std::string(1'048'577, '#')};
  EXPECT_THAT(faults_of({.file = large.path, .environment = {}, .assignments = {}}),
              ElementsAre(HasSubstr("larger than 1 MiB")));
}

// Goal: a password is nowhere in what is shown or complained about, whichever way it is written.
class Secret : public testing::TestWithParam<std::string> {};

TEST_P(Secret, IsNeverPrinted) {
  const auto all = loaded({.file = {}, .environment = {{"KEYRACK_DATABASE_URL", GetParam()}}, .assignments = {}});
  EXPECT_EQ(all.values.database.url.reveal(), GetParam());
  EXPECT_THAT(show_settings(all) + show_settings_json(all) + show_documented_settings(all.values),
              AllOf(Not(HasSubstr("hunter2")), Not(HasSubstr("hunter")), HasSubstr("***")));
}

INSTANTIATE_TEST_SUITE_P(Settings, Secret,
                         testing::Values("host=db password=hunter2 dbname=k", "password='hunter2 hunter2' host=db",
                                         "password = hunter2 host=db", "password='hunter\\'hunter2' host=db",
                                         "password=hunter\\ hunter2", "sslpassword=hunter2", "hunter2",
                                         "host=db passwort=hunter2", "postgresql://me:hunter2@db:5432/k",
                                         "postgres://me:hunter@hunter2@db/k", "postgresql://db/k?password=hunter2",
                                         "postgresql://db/k?user=me&p%61ssword=hunter2&dbname=k",
                                         "postgresql://me:hunter/2hunter2@db/k", "password='hunter2",
                                         "host=db password=hunter2\\"));

TEST(Settings, AConnectionStringKeepsWhatIsHarmless) {
  const auto shown = [](const std::string& url) {
    return std::get<std::string>(
        value_of(loaded({.file = {}, .environment = {}, .assignments = {"database.url=" + url}}).values,
                 *find_setting("database.url")));
  };
  EXPECT_EQ(shown("host=/run/postgresql dbname=keyrack"), "host=/run/postgresql dbname=keyrack");
  EXPECT_EQ(shown("  host = 'a b'  user=me password=x port=5432"), "host='a b' user=me password=*** port=5432");
  EXPECT_EQ(shown("postgresql://me:x@db:5432/k?sslmode=require"), "postgresql://me:***@db:5432/k?sslmode=require");
  EXPECT_EQ(shown("postgresql://me@db/k"), "postgresql://me@db/k");
  EXPECT_EQ(shown("postgresql://db:5432/k"), "postgresql://db:5432/k");
}

TEST(Settings, AFaultyConnectionStringIsNotRepeatedInItsFault) {
  const auto faults =
      faults_of({.file = {},
                 .environment = {{"KEYRACK_DATABASE_URL", "password=hunter2\n"}, {"KEYRACK_DATABASE_ULR", "hunter2"}},
                 .assignments = {}});
  EXPECT_EQ(faults.size(), 2U);
  EXPECT_THAT(fmt::format("{}", fmt::join(faults, "\n")), Not(HasSubstr("hunter2")));
}

TEST(Settings, TheConnectionStringMayComeFromAFile) {
  const temporary_file url{"host=db password=hunter2 \r\nsecond line\n"};
  const auto path = url.path.string();
  const auto all = loaded({.file = {}, .environment = {}, .assignments = {"database.url_file=" + path}});
  EXPECT_EQ(all.values.database.url.reveal(), "host=db password=hunter2");
  EXPECT_THAT(show_settings(all), AllOf(HasSubstr("password=***"), HasSubstr(path), Not(HasSubstr("hunter2"))));

  // The later source wins, whichever of the two it names; within one source there is no later.
  EXPECT_EQ(
      loaded({.file = {}, .environment = {{"KEYRACK_DATABASE_URL_FILE", path}}, .assignments = {"database.url=host=a"}})
          .values.database.url.reveal(),
      "host=a");
  EXPECT_EQ(loaded({.file = {},
                    .environment = {{"KEYRACK_DATABASE_URL", "host=a"}},
                    .assignments = {"database.url_file=" + path}})
                .values.database.url.reveal(),
            "host=db password=hunter2");
  EXPECT_THAT(
      faults_of({.file = {}, .environment = {}, .assignments = {"database.url=host=a", "database.url_file=" + path}}),
      ElementsAre(HasSubstr("exclude each other")));
}

TEST(SettingsTable, IsWellMade) {
  std::set<std::string_view> sections;
  for (const auto& section : settings_sections()) sections.insert(section.name);
  std::set<std::string> variables;
  for (const auto& of : settings_table()) {
    EXPECT_TRUE(sections.contains(of.key.substr(0, of.key.find('.')))) << of.key;
    EXPECT_TRUE(variables.insert(variable_of(of)).second) << of.key;
    EXPECT_FALSE(of.why.empty()) << of.key;
    const bool has_unit = of.key.ends_with("_ms") || of.key.find("_ms_") != of.key.npos;
    EXPECT_EQ(std::holds_alternative<place_of<std::chrono::milliseconds>>(of.place), has_unit) << of.key;
    EXPECT_EQ(std::holds_alternative<place_of<std::chrono::seconds>>(of.place), of.key.ends_with("_s")) << of.key;
    settings built_in;
    if (of.key == "database.url") continue;
    EXPECT_TRUE(assign(built_in, of, value_of(built_in, of)).has_value())
        << of.key << ": its default is out of its range";
  }
}

TEST(SettingsTable, KnowsEveryMemberOfSettingsOnce) {
  settings all;
  std::set<const void*> members;
  boost::pfr::for_each_field(
      all, [&](auto& section) { boost::pfr::for_each_field(section, [&](auto& member) { members.insert(&member); }); });
  std::set<const void*> places;
  for (const auto& of : settings_table()) {
    places.insert(std::visit([&](auto place) { return static_cast<const void*>(&place(all)); }, of.place));
  }
  EXPECT_EQ(places, members);
  EXPECT_EQ(settings_table().size(), members.size());
}

TEST(SettingsFile, KeyrackTomlSaysExactlyTheBuiltInSettings) {
  const auto path = std::filesystem::path{KEYRACK_SOURCE_DIR} / "config/keyrack.toml";
  std::ifstream file{path};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  EXPECT_EQ(text, show_documented_settings({}))
      << "write it anew: keyrack config show --documented > config/keyrack.toml";
  const auto from_file = loaded({.file = path, .environment = {}, .assignments = {}});
  EXPECT_EQ(from_file.origins.size(), settings_table().size()) << "each key is there";
  EXPECT_EQ(show_documented_settings(from_file.values), text);
}

TEST(SettingsFile, WhatIsShownLoadsAgainToTheSame) {
  const auto changed =
      loaded({.file = {},
              .environment = {},
              .assignments = {"gateway.port=1", "gateway.cors_origins=*", "node.name=n-7", "log.sample_successes=3"}});
  const temporary_file shown{show_settings(changed)};
  EXPECT_EQ(show_documented_settings(loaded({.file = shown.path, .environment = {}, .assignments = {}}).values),
            show_documented_settings(changed.values));
}

}  // namespace
}  // namespace keyrack
