// The port `value_codec`, by the functions that write the journal. Owns nothing.
#pragma once

#include "actors/value_codec.hpp"

namespace keyrack::persistence {

/// For the life of the program.
const value_codec& disk_value_codec();

}  // namespace keyrack::persistence
