// Inside of `decide`: what each matter has at hand, and the matters. Not for use outside of this folder.
#pragma once

#include "actors/domain/hotel/decide.hpp"
#include "actors/domain/hotel/present.hpp"

#include <cstdint>
#include <expected>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace keyrack::deciding {

/// The hotel as it is now, the request, and the number that the event gets if the command is accepted.
struct matter {
  const present& hotel;
  const request& req;
  const moment& now;
  std::uint64_t seq = 0;
};

using verdict = std::expected<event_body, refusal>;

std::unexpected<refusal> refuse(errc code, std::string detail, std::vector<reason> reasons = {});

/// `version_conflict`, when the client has seen another version than this.
std::optional<refusal> stale(const matter& m, std::uint64_t version);

/// The type; `room_type_unknown` when the hotel has it not.
std::expected<const room_type_state*, refusal> find_type(const matter& m, room_type_id id);

/// Why the edge is not open though it is drawn: the date, what is asked. Empty when it is.
using obstacle = std::function<std::string(const reservation&)>;

/// The reservation, when it is of a status from which the edge is drawn, nothing stands in its way, and it is of the
/// version that the client has seen.
/// Errors: `hotel_unknown`, `reservation_unknown`, `hold_lapsed`, `wrong_status`, `version_conflict`.
std::expected<const reservation*, refusal> find_reservation(const matter& m, reservation_number number,
                                                            std::initializer_list<reservation_status> from,
                                                            const obstacle& in_the_way = {});

/// The event that makes `before` into `after`.
verdict stepped(const matter& m, reservation_step step, const reservation& before, reservation after);

verdict decide_on(const matter& m, const create_hotel& cmd);
verdict decide_on(const matter& m, const update_hotel& cmd);
verdict decide_on(const matter& m, const remove_hotel& cmd);
verdict decide_on(const matter& m, const add_room_type& cmd);
verdict decide_on(const matter& m, const update_room_type& cmd);
verdict decide_on(const matter& m, const remove_room_type& cmd);
verdict decide_on(const matter& m, const list_rooms& cmd);
verdict decide_on(const matter& m, const change_calendar& cmd);
verdict decide_on(const matter& m, const hold_rooms& cmd);
verdict decide_on(const matter& m, const confirm_reservation& cmd);
verdict decide_on(const matter& m, const change_reservation& cmd);
verdict decide_on(const matter& m, const extend_hold& cmd);
verdict decide_on(const matter& m, const cancel_reservation& cmd);
verdict decide_on(const matter& m, const check_in_guest& cmd);
verdict decide_on(const matter& m, const check_out_guest& cmd);
verdict decide_on(const matter& m, const record_no_show& cmd);

/// Whether the hotel remembers as many request keys as it may, and the next event would forget none.
bool keys_exhausted(const hotel_state& hotel, instant at, std::size_t keys_max);

}  // namespace keyrack::deciding
