// `keyrack version`: which program this is.
#include "config/log_line.hpp"
#include "deploy/commands/commands.hpp"
#include "persistence/schema.hpp"

#include <fmt/core.h>

namespace keyrack::deploy {

std::string_view program_version() { return KEYRACK_VERSION; }

int version(bool json) {
  constexpr std::string_view build = KEYRACK_BUILD_TYPE;
  const int schema = persistence::schema_steps().empty() ? 0 : persistence::schema_steps().back().number;
  if (json) {
    std::string compiler;
    append_json_text(compiler, __VERSION__);
    fmt::print("{{\"version\": \"{}\", \"schema\": {}, \"build\": \"{}\", \"compiler\": {}}}\n", program_version(),
               schema, build, compiler);
  } else {
    fmt::print("keyrack {}, schema {}, {}, compiler {}\n", program_version(), schema, build, __VERSION__);
  }
  return exit_ok;
}

}  // namespace keyrack::deploy
