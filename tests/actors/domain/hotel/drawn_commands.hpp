// Commands drawn from bytes, so that a failing sequence of them shrinks to few and small ones. Every second one aims at
// something that can succeed, or a hotel would hardly ever see a guest arrive.
#pragma once

#include "actors/domain/hotel/commands.hpp"
#include "actors/domain/hotel/decide.hpp"
#include "actors/domain/hotel/state.hpp"

#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <vector>

namespace keyrack::tests {

using draw = std::array<std::uint8_t, 9>;

rc::Gen<std::vector<draw>> draws();

/// Byte 0 is the time that passes before, bytes 1 to 8 are the command.
moment later(const moment& now, const draw& d);
command drawn_command(const hotel_state& hotel, const moment& now, const draw& d);

}  // namespace keyrack::tests
