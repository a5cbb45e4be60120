// The shape of a question to the tables, and how it is put to the pool. Refuses to know what is asked.
#pragma once

#include "actors/ports.hpp"
#include "persistence/pg_connection.hpp"
#include "persistence/records_pool.hpp"

#include <expected>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace keyrack::persistence {

/// An answer (a value, or the reason why there is none), or the connection's error.
template <typename T>
using looked_up = std::expected<record_result<T>, pg_error>;

/// Puts a question to the pool: `ask(connection, deadline)` is tried over a connection until it has an answer, which goes to
/// `then`.
template <typename T, typename Ask>
void put_question(records_pool& pool, std::string_view kind, bool changes, steady_instant deadline,
                  record_callback<T> then, Ask ask) {
  const auto kept = std::make_shared<record_result<T>>(failure{});
  const auto tell = std::make_shared<record_callback<T>>(std::move(then));
  pool.put({.kind = kind,
            .deadline = deadline,
            .changes = changes,
            .ask = [kept, ask = std::move(ask)](pg_connection& c, call_deadline d) -> std::optional<pg_error> {
              looked_up<T> found = ask(c, d);
              if (!found) return std::move(found.error());
              *kept = std::move(*found);
              return std::nullopt;
            },
            .answer = [kept, tell] { (*tell)(std::move(*kept)); },
            .fail = [tell](failure f) { (*tell)(std::move(f)); }});
}

}  // namespace keyrack::persistence
