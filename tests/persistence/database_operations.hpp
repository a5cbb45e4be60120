// The operations of a script: each is the product's own statement on a real server, and the same on the simulated one, and
// puts what came of it in the same words.
#pragma once

#include "tests/persistence/database_lane.hpp"
#include "tests/sim/database.hpp"

#include <functional>
#include <string>
#include <vector>

namespace keyrack::testing {

struct operation {
  std::string text;  ///< for the script
  /// On a transaction that the script commits …
  std::function<void(sim::database&, const sim::transaction_ptr&, std::function<void(std::string)> executed)> statement;
  /// … or by itself, when it is several.
  std::function<void(sim::database&, const sim::session_ptr&, std::function<void(std::string)> ended)> whole;
  database_lane::job real;
};

/// Locks are waited for as long as it takes, or given up (and what then follows done) after that.
enum class patience : std::uint8_t { endless, short_ };
constexpr std::chrono::milliseconds real_time(patience p) {
  return p == patience::endless ? std::chrono::milliseconds{60'000} : std::chrono::milliseconds{5};
}

// The journal's, on a slot's connection.
operation append_of(sim::writer_id me, std::vector<commit_ptr> batch);
operation enlist_of(sim::writer_id me);
operation look_of(sim::writer_id me, std::vector<commit_ptr> batch);
operation hand_over_of(sim::writer_id me, std::vector<hand_over> what);
operation end_namesakes_of(std::string name);

// A node's.
operation beat_of(incarnation_id me);
operation register_of(std::string node, incarnation_id drawn);
operation leave_of(incarnation_id me);
operation fence_of(incarnation_id who, patience p);

// The membership's.
operation read_of(std::vector<shard_id> shards);
operation take_role_of(incarnation_id me, coordinator_row seen, patience p);
operation renew_role_of(incarnation_id me, std::int64_t term);
operation give_of(incarnation_id me, std::int64_t term, std::vector<gift> gifts);
operation begin_moves_of(incarnation_id me, std::int64_t term, std::vector<beginning_move> moves);
operation call_off_of(incarnation_id me, std::int64_t term, std::vector<called_off> moves);
operation refuse_wishes_of(incarnation_id me, std::int64_t term, std::vector<refused_wish> wishes);
operation finish_rebalance_of(incarnation_id me, std::int64_t term);
operation tell_reach_of(incarnation_id me, std::vector<incarnation_id> reaches);
operation tell_leaving_of(incarnation_id me);
operation fence_and_remove_of(incarnation_id who);

/// What a node would read, in words: of all nodes, and of these shards.
std::string in_words(const cluster_rows& rows, const std::vector<shard_id>& shards);
cluster_rows rows_of(sim::database& db);

}  // namespace keyrack::testing
