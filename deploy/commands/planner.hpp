// The coordinator's planning, handed to who shows operators what will move: persistence must not know cluster.
#pragma once

#include "persistence/operations_view.hpp"

namespace keyrack::deploy {

persistence::move_planner coordinators_planner();

}  // namespace keyrack::deploy
