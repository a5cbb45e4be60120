// keyrack-demo: shows demonstration hotels, and loads them into a running node or a database. The only file here that knows the time of
// day, the command line and the disk.

#include "actors/domain/limits.hpp"
#include "deploy/demo/bulk.hpp"
#include "deploy/demo/json.hpp"
#include "deploy/demo/loader.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>

namespace {

using namespace keyrack;
using namespace keyrack::demo;

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;
constexpr int from_days_max = 600;

/// From tomorrow by UTC, for hotels whose own date may still be yesterday's.
constexpr int calendar_nights = limits::bookable_nights - 2;

struct arguments {
  std::uint32_t hotels = 0;
  std::string cities = KEYRACK_DEMO_DIR "/cities.tsv";
  std::string profile = "demo";
  std::uint64_t seed = 1;
  std::string from;
  std::uint32_t index = 0;
  load_options load{.url = "http://127.0.0.1:8080", .hotels = 0, .connections = 64, .patience = {}};
  std::string database;
  int threads = 2;
  bool print_examples = false;
};

int failed(std::string_view why) {
  fmt::print(stderr, "keyrack-demo: {}\n", why);
  return exit_failed;
}

/// Tomorrow, by UTC: no hotel is past that day yet, and none is a day before it by more than one.
date tomorrow() {
  return utc_date(std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now())) + 1;
}

std::expected<generator, std::string> generator_for(const arguments& given) {
  std::ifstream file(given.cities, std::ios::binary);
  if (!file) return std::unexpected(fmt::format("cannot read {}: name the table with --cities", given.cities));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto cities = parse_cities(text);
  if (!cities) return std::unexpected(fmt::format("{}: {}", given.cities, cities.error()));
  auto from = given.from.empty() ? tomorrow() : parse_date(given.from);
  if (!from) return std::unexpected(fmt::format("--from: not a date of the form YYYY-MM-DD: {}", given.from));
  const auto made_for = parse_profile(given.profile).value_or(profile::demo);
  const auto first = tomorrow();
  // A load of yesterday's that is taken up again leaves out what is past; what is left has the keys it had.
  if (made_for == profile::demo) from = std::max(*from, first);
  if (*from < first || *from > first + from_days_max) {
    return std::unexpected(fmt::format("--from: {} is not within {} to {}", to_text(*from), to_text(first),
                                       to_text(first + from_days_max)));
  }
  return generator(std::move(*cities),
                   {.profile = made_for, .seed = given.seed, .from = *from, .calendar_end = first + calendar_nights});
}

std::string example_json(const std::optional<example>& shown) {
  if (!shown) return "null";
  return fmt::format(
      R"({{"hotel_id":"{}","hotel_name":{},"room_type_id":{},"max_guests":{},"check_in":"{}","check_out":"{}","free":{}}})",
      shown->hotel_id, json_text(shown->hotel_name), shown->room_type.value, shown->room_type_guests,
      to_text(shown->found.stay.check_in), to_text(shown->found.stay.check_out), shown->found.free);
}

void print_report(const load_report& report) {
  const auto& counts = report.counts;
  const auto seconds = std::max(report.took.count(), 1e-3);
  fmt::print(stderr, "{} hotels, {} room types, {} calendars, {} bookings in {:.1f} s: {} requests a second.\n",
             grouped(counts.hotels), grouped(counts.room_types), grouped(counts.calendars), grouped(counts.bookings),
             seconds, grouped(static_cast<std::uint64_t>(static_cast<double>(counts.requests()) / seconds)));
  if (counts.replayed > 0)
    fmt::print(stderr, "{} of these requests had been answered before; they changed nothing.\n",
               grouped(counts.replayed));
  if (counts.refused > 0)
    fmt::print(stderr, "{} of the bookings were refused: others had taken their rooms.\n", grouped(counts.refused));
  if (counts.retries > 0) fmt::print(stderr, "{} requests had to be sent again.\n", grouped(counts.retries));
}

std::uint32_t hotels_wanted(const arguments& given, const generator& from) {
  if (given.hotels != 0) return given.hotels;
  return from.made_with().profile == profile::scale ? 10'000 : 300;
}

void print_bulk_report(const bulk_report& report) {
  const auto& counts = report.counts;
  const auto seconds = std::max(report.took.count(), 1e-3);
  fmt::print(stderr, "{} hotels, {} room types, {} bookings, {} MB of journal in {:.1f} s: {} bookings a second.\n",
             grouped(counts.hotels - counts.replayed), grouped(counts.room_types), grouped(counts.bookings),
             grouped(report.payload_bytes >> 20), seconds,
             grouped(static_cast<std::uint64_t>(static_cast<double>(counts.bookings) / seconds)));
  if (counts.replayed > 0) fmt::print(stderr, "{} hotels were there already.\n", grouped(counts.replayed));
}

int run_load(const arguments& given) {
  const auto from = generator_for(given);
  if (!from) return failed(from.error());
  auto options = given.load;
  options.hotels = hotels_wanted(given, *from);
  progress shown(stderr, isatty(STDERR_FILENO) == 1);
  const auto report = load(*from, options, shown);
  if (!report) return failed(report.error());
  print_report(*report);
  if (given.print_examples) {
    fmt::print("{{\"open\":{},\"last_rooms\":{}}}\n", example_json(report->open), example_json(report->last_rooms));
  }
  return 0;
}

int run_bulk(const arguments& given) {
  const auto from = generator_for(given);
  if (!from) return failed(from.error());
  bulk_options options{.database = {}, .hotels = hotels_wanted(given, *from), .threads = given.threads};
  options.database.url = secret(given.database);
  progress shown(stderr, isatty(STDERR_FILENO) == 1);
  const auto report = write_journal(*from, options, shown);
  if (!report) return failed(report.error());
  print_bulk_report(*report);
  return 0;
}

int run_show(const arguments& given) {
  const auto from = generator_for(given);
  if (!from) return failed(from.error());
  const auto hotel = from->hotel(given.index);
  fmt::print("{}\n", show(hotel, from->calendar(hotel), from->bookings(hotel)));
  return 0;
}

void add_common(CLI::App& to, arguments& given) {
  to.add_option("--profile", given.profile,
                "demo: believable houses. scale: 5 types of 200 rooms, 70 % of 7 nights filled")
      ->check(CLI::IsMember({"demo", "scale"}))
      ->capture_default_str();
  to.add_option("--seed", given.seed, "Another seed makes other hotels")->capture_default_str();
  to.add_option(
      "--from", given.from,
      "First night with prices and bookings, YYYY-MM-DD; tomorrow unless given, and never before that in profile demo");
  to.add_option("--cities", given.cities, "The table of cities");
}

}  // namespace

int main(int argc, char** argv) {
  arguments given;
  CLI::App app{"Demonstration hotels for Keyrack. The same seed makes the same hotels, always."};
  app.require_subcommand(1);

  auto* load_command =
      app.add_subcommand("load", "Load hotels into a running node through its API; a second run changes nothing");
  load_command->footer("Example: keyrack-demo load --url http://127.0.0.1:8080 --hotels 300 --seed 1");
  load_command->add_option("--url", given.load.url, "The node")->capture_default_str();
  load_command->add_option("--hotels", given.hotels, "How many; 300, or 10000 of profile scale, unless given")
      ->check(CLI::Range(1, 1'000'000));
  load_command->add_option("--connections", given.load.connections, "How many at once")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  load_command->add_flag("--print-examples", given.print_examples, "Print something to try, as JSON");
  add_common(*load_command, given);

  auto* bulk_command =
      app.add_subcommand("bulk", "Write hotels straight into the journal of a database; a second run changes nothing");
  bulk_command->footer("Example: keyrack-demo bulk --database 'host=/run/postgresql dbname=keyrack' --profile scale");
  bulk_command->add_option("--database", given.database, "libpq's connection string")->required();
  bulk_command->add_option("--hotels", given.hotels, "How many; 300, or 10000 of profile scale, unless given")
      ->check(CLI::Range(1, 1'000'000));
  bulk_command->add_option("--threads", given.threads, "A connection each")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  add_common(*bulk_command, given);

  auto* show_command = app.add_subcommand("show", "Print one hotel as JSON");
  show_command->footer("Example: keyrack-demo show --index 7");
  show_command->add_option("--index", given.index, "Which, from 0")->required();
  add_common(*show_command, given);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_usage;
  }
  if (load_command->parsed()) return run_load(given);
  return bulk_command->parsed() ? run_bulk(given) : run_show(given);
}
