// `keyrack migrate`: brings the database's schema to the program's, or says what that would take.
#include "config/log_line.hpp"
#include "deploy/commands/commands.hpp"
#include "persistence/schema.hpp"

#include <fmt/core.h>

namespace keyrack::deploy {

namespace {

std::string json_list(const std::vector<std::string>& texts) {
  std::string out{"["};
  for (const auto& text : texts) {
    if (out.size() > 1) out += ", ";
    append_json_text(out, text);
  }
  return out + "]";
}

void print_text(const persistence::schema_status& status) {
  for (const auto& name : status.applied) fmt::print("applied {}\n", name);
  for (const auto& name : status.pending) fmt::print("pending {}\n", name);
  fmt::print("the database's schema is at step {} of {}\n", status.database, status.program);
}

}  // namespace

int migrate(const settings& settings, const migrate_options& options) {
  const auto status =
      options.check ? persistence::check_schema(settings.database) : persistence::migrate(settings.database);
  if (!status) {
    complain_about_database(status.error());
    return exit_failed;
  }
  if (options.json) {
    fmt::print("{{\"database\": {}, \"program\": {}, \"applied\": {}, \"pending\": {}}}\n", status->database,
               status->program, json_list(status->applied), json_list(status->pending));
  } else {
    print_text(*status);
  }
  if (!status->pending.empty()) complain("run `keyrack migrate` to apply what is pending");
  return status->pending.empty() ? exit_ok : exit_failed;
}

}  // namespace keyrack::deploy
