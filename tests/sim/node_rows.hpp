// How a node's membership writes a row: for the two files that do.
#pragma once

#include "tests/sim/node.hpp"
#include "tests/sim/process.hpp"

namespace keyrack::sim {

// A statement on this node's own connection for rows; on none, or without an answer, the next look begins anew.
template <typename R>
void node::write_row(std::function<void(const transaction_ptr&, database::then<R>)> statement,
                     std::function<void(R)> then) {
  if (!role_session_) return look_again();
  in_.write<R>(role_session_, std::move(statement), [this, then = std::move(then)](std::optional<R> done) {
    if (done) return then(*done);
    drop_role_session();
    look_again();
  });
}

}  // namespace keyrack::sim
