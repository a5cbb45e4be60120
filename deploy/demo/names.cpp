#include "deploy/demo/names.hpp"

#include <fmt/format.h>

#include <numeric>
#include <utility>

namespace keyrack::demo {
namespace {

/// Every fourth house belongs to a group.
constexpr std::uint32_t group_every = 4;

/// The nth of all pairs (pattern, word), in an order drawn from `seed` in which none comes twice; and how often all of
/// them had been used up before.
struct nth_pair {
  std::size_t first = 0;
  std::size_t second = 0;
  std::size_t round = 0;

  nth_pair(std::size_t firsts, std::size_t seconds, std::uint64_t seed, std::size_t nth) {
    const auto all = firsts * seconds;
    dice roll{seed, all};
    const auto start = roll.next() % all;
    auto step = roll.next() % all;
    while (std::gcd(step, all) != 1) ++step;
    const auto at = (start + (nth % all) * step) % all;
    first = at / seconds;
    second = at % seconds;
    round = nth / all;
  }
};

std::string with_round(std::string name, std::size_t round) {
  return round == 0 ? name : fmt::format("{} {}", name, round + 1);
}

}  // namespace

house_name name_of_house(const tongue& speech, std::uint64_t seed, std::uint32_t nth) {
  if (nth % group_every == group_every - 1) {
    const auto groups = hotel_groups();
    const nth_pair at(groups.size(), speech.streets.size(), seed, nth / group_every);
    const auto group = groups[at.first];
    return {with_round(fmt::format("{} {}", group, speech.streets[at.second]), at.round), std::string(group)};
  }
  const nth_pair at(speech.houses.size(), speech.words.size(), seed, nth - nth / group_every);
  return {with_round(fmt::format(fmt::runtime(speech.houses[at.first]), speech.words[at.second]), at.round), {}};
}

std::string address_of_house(const tongue& speech, dice& roll) {
  // Drawn one after the other: the order in which arguments are evaluated is the compiler's.
  const auto street = roll.pick(speech.streets);
  const auto number = roll.between(1, 140);
  return fmt::format(fmt::runtime(speech.address), fmt::arg("street", street), fmt::arg("number", number));
}

}  // namespace keyrack::demo
