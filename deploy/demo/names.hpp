// Names and addresses of invented houses, in the language of their city. Pure.
#pragma once

#include "deploy/demo/dice.hpp"
#include "deploy/demo/words.hpp"

#include <cstdint>
#include <string>

namespace keyrack::demo {

struct house_name {
  std::string name;
  std::string group;  ///< empty: belongs to none
};

/// The name of a city's nth house, n from 0: no two of a city are alike. `seed` stands for the city.
house_name name_of_house(const tongue& speech, std::uint64_t seed, std::uint32_t nth);

/// "Lindenstrasse 12", "12 Mill Lane".
std::string address_of_house(const tongue& speech, dice& roll);

}  // namespace keyrack::demo
