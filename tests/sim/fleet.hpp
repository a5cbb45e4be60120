// The machines and the processes on them: started, killed, and asked for by their part. Keeps those that have ended: what is
// still on its way names them.
#pragma once

#include "tests/sim/environment.hpp"
#include "tests/sim/process.hpp"

#include <memory>
#include <vector>

namespace keyrack::sim {

class fleet {
public:
  fleet(environment& env, int machines) : env_(env), machines_(machines) {}

  int machines() const { return machines_; }
  /// All that are to be there.
  void start_all();
  /// One more; nothing, when one runs there.
  void start(int machine);
  /// Started again after a while, or not.
  void kill(process* p);
  process* any();
  process* any_awake();
  process* coordinator();

private:
  environment& env_;
  const int machines_;
  std::vector<std::unique_ptr<process>> processes_;
};

}  // namespace keyrack::sim
