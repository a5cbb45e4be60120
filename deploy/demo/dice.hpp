// Seeded numbers that are the same on every compiler and machine (the standard's distributions are not). SplitMix64.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace keyrack::demo {

/// SplitMix64's finaliser: spreads every bit of `x` over all of the result.
constexpr std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

class dice {
public:
  /// A stream of its own for every list of numbers: (seed, hotel, purpose, …).
  constexpr dice(std::initializer_list<std::uint64_t> path) {
    for (const auto part : path) state_ = mix(state_ + 0x9e3779b97f4a7c15ULL) ^ mix(part + 0x632be59bd9b4e019ULL);
  }

  constexpr std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15ULL); }

  /// Uniform in [low, high], both included. REQUIRES: low <= high.
  constexpr int between(int low, int high) {
    const auto width = static_cast<std::uint64_t>(high - low) + 1;
    return low + static_cast<int>(((next() >> 32) * width) >> 32);
  }

  /// Uniform in [0, 1).
  constexpr double fraction() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  constexpr bool chance(int percent) { return between(1, 100) <= percent; }

  template <class T, std::size_t N>
  constexpr const T& pick(const std::array<T, N>& from) {
    return from[static_cast<std::size_t>(between(0, static_cast<int>(N) - 1))];
  }

  template <class T>
  constexpr const T& pick(std::span<const T> from) {
    return from[static_cast<std::size_t>(between(0, static_cast<int>(from.size()) - 1))];
  }

  /// An index into `weights`, each as likely as its weight. REQUIRES: their sum is above zero.
  constexpr std::size_t weighted(std::initializer_list<int> weights) {
    int sum = 0;
    for (const int weight : weights) sum += weight;
    int rest = between(1, sum);
    std::size_t index = 0;
    for (const int weight : weights) {
      rest -= weight;
      if (rest <= 0) break;
      ++index;
    }
    return index;
  }

private:
  std::uint64_t state_ = 0;
};

}  // namespace keyrack::demo
