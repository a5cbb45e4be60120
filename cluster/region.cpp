#include "cluster/region.hpp"

namespace keyrack::cluster {

namespace {

const failure lost_place{errc::fenced, outcome::not_applied, "this node lost its place"};
const failure leaving{errc::moving, outcome::not_applied, "this node is leaving"};

}  // namespace

void region::on_envelope(envelope_ptr e, effects& out) {
  if (closed_) return out.bounce.emplace_back(std::move(e), fenced_ ? lost_place : leaving), void();
  const auto [found, was_asleep] = hotels_.try_emplace(e->hotel);
  if (was_asleep) out.wake.push_back(e->hotel);
  auto& h = found->second;
  if (!h.retiring) {
    out.send.push_back(std::move(e));
  } else if (h.waiting.size() < waiting_max_) {
    h.waiting.push_back(std::move(e));
  } else {
    out.bounce.emplace_back(std::move(e),
                            failure{errc::overloaded, outcome::not_applied, "too many requests wait for this hotel"});
  }
}

void region::on_wake(hotel_id id, effects& out) {
  if (!closed_ && hotels_.try_emplace(id).second) out.wake.push_back(id);
}

void region::on_sleepy(hotel_id id, effects& out) {
  const auto found = hotels_.find(id);
  if (found == hotels_.end() || found->second.retiring) return;
  found->second.retiring = true;
  out.retire.push_back(id);
}

void region::on_gone(hotel_id id, effects& out) {
  auto node = hotels_.extract(id);
  if (node.empty()) return;
  for (auto& e : node.mapped().waiting) on_envelope(std::move(e), out);
}

void region::on_fenced(effects& out) {
  fenced_ = true;
  on_close(out);
}

void region::on_close(effects& out) {
  closed_ = true;
  for (auto& [id, h] : hotels_) {
    if (!h.retiring) out.retire.push_back(id);
    h.retiring = true;
    for (auto& e : h.waiting) out.bounce.emplace_back(std::move(e), fenced_ ? lost_place : leaving);
    h.waiting.clear();
  }
}

}  // namespace keyrack::cluster
