// The steps in the life of a reservation that take no further rooms.
#include "actors/domain/hotel/deciding.hpp"
#include "actors/domain/hotel/room_assignment.hpp"
#include "actors/domain/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace keyrack::deciding {

namespace {

using enum reservation_status;

verdict to_status(const matter& m, reservation_step step, const reservation& before, reservation_status status) {
  auto after = before;
  after.status = status;
  return stepped(m, step, before, std::move(after));
}

}  // namespace

verdict decide_on(const matter& m, const confirm_reservation& cmd) {
  const auto found = find_reservation(m, cmd.number, {pending});
  if (!found) return std::unexpected(found.error());
  return to_status(m, reservation_step::confirmed, **found, confirmed);
}

verdict decide_on(const matter& m, const extend_hold& cmd) {
  const auto found = find_reservation(m, cmd.number, {pending});
  if (!found) return std::unexpected(found.error());
  const auto& before = **found;
  const auto latest = before.created_at + limits::hold_total_max;
  const auto by = cmd.by.value_or(std::chrono::seconds{m.hotel.hotel().profile.hold_seconds});
  // Compared before it is added: the sum of any number of seconds and an instant may not be one.
  const bool too_long = by > limits::hold_total_max || m.now.at + by > latest;
  if (too_long) return refuse(errc::limit_reached, fmt::format("The hold can last until {} at most.", to_text(latest)));
  auto after = before;
  after.hold_expires_at = std::max(before.hold_expires_at, m.now.at + by);
  return stepped(m, reservation_step::hold_extended, before, std::move(after));
}

verdict decide_on(const matter& m, const cancel_reservation& cmd) {
  const auto found = find_reservation(m, cmd.number, {pending, confirmed});
  if (!found) return std::unexpected(found.error());
  return to_status(m, reservation_step::cancelled, **found, cancelled);
}

verdict decide_on(const matter& m, const check_in_guest& cmd) {
  const auto found = find_reservation(m, cmd.number, {confirmed}, [&](const reservation& r) {
    if (r.stay.sleeps(m.now.today)) return std::string{};
    return fmt::format("Check-in is from {} until before {}; at the hotel it is {}.", to_text(r.stay.check_in),
                       to_text(r.stay.check_out), to_text(m.now.today));
  });
  if (!found) return std::unexpected(found.error());
  const auto& before = **found;
  auto rooms = assign_rooms(m.hotel.hotel(), before, cmd.rooms, m.now.today);
  if (!rooms) return std::unexpected(std::move(rooms.error()));
  auto after = before;
  after.status = checked_in;
  after.room_numbers = std::move(*rooms);
  return stepped(m, reservation_step::checked_in, before, std::move(after));
}

verdict decide_on(const matter& m, const check_out_guest& cmd) {
  const auto found = find_reservation(m, cmd.number, {checked_in});
  if (!found) return std::unexpected(found.error());
  return to_status(m, reservation_step::checked_out, **found, completed);
}

verdict decide_on(const matter& m, const record_no_show& cmd) {
  const auto found = find_reservation(m, cmd.number, {confirmed}, [&](const reservation& r) {
    if (m.now.today >= r.stay.check_in) return std::string{};
    return fmt::format("The guest is expected on {}; at the hotel it is {}.", to_text(r.stay.check_in),
                       to_text(m.now.today));
  });
  if (!found) return std::unexpected(found.error());
  return to_status(m, reservation_step::no_show_recorded, **found, no_show);
}

}  // namespace keyrack::deciding
