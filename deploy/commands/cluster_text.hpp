// The cluster in words, for an operator at three in the morning: what, from where to where, why, how far, what it will cost.
// Pure. Each text ends with its line's end.
#pragma once

#include "actors/operations.hpp"

#include <string>

namespace keyrack::deploy {

/// The first line says whether all is well, and if not what to do.
std::string text_of(const cluster_status& of);
std::string text_of(const hotel_place& of);
std::string text_of(const move_page& of);
/// What was done stands first: "node-1 is drained".
std::string text_of(const node_change& of, const std::string& done);
std::string text_of(const pin_change& of);
std::string text_of(const move_row& of);
std::string text_of(const rebalance_answer& of, bool dry_run);

/// How far a node is on its way to having no shards: one line.
std::string progress_of(const cluster_status& of, const std::string& node);

/// What moves and is to come, and from where to where; the first line alone says how far it is.
std::string movement_of(const cluster_status& of);
/// Nothing moves, and nothing is about to.
bool is_at_rest(const cluster_status& of);

}  // namespace keyrack::deploy
