#include "tests/sim/fleet.hpp"

#include "tests/sim/node.hpp"

namespace keyrack::sim {

void fleet::start_all() {
  for (int m = 0; m < machines_; ++m) start(m);
}

void fleet::start(int machine) {
  if (env_.net.at[static_cast<std::size_t>(machine)]) return;
  processes_.push_back(std::make_unique<process>(env_, machine));
}

void fleet::kill(process* p) {
  if (!p) return;
  const int machine = p->machine();
  p->kill();
  if (env_.w.chance(0.8)) env_.w.after(env_.w.between(20ms, 4s), [this, machine] { start(machine); });
}

process* fleet::any() {
  std::vector<process*> all;
  for (auto* p : env_.net.at) {
    if (p) all.push_back(p);
  }
  return all.empty() ? nullptr : all[env_.w.below(all.size())];
}

process* fleet::any_awake() {
  std::vector<process*> all;
  for (auto* p : env_.net.at) {
    if (p && !p->frozen()) all.push_back(p);
  }
  return all.empty() ? nullptr : all[env_.w.below(all.size())];
}

process* fleet::coordinator() {
  for (auto* p : env_.net.at) {
    if (p && p->life() && p->life()->id() == env_.db.rows().coordinator.holder) return p;
  }
  return nullptr;
}

}  // namespace keyrack::sim
