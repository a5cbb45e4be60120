// Latencies in buckets whose width grows with the value. Knows no clock and no unit.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace keyrack::bench {

/// Counts values from 0 to 2^40 with an error below 1 %: 128 buckets per power of two, as HdrHistogram does it.
class histogram {
public:
  /// Adds one value; larger ones than 2^40 count as that.
  void add(std::uint64_t value) {
    ++counts_[index_of(value)];
    ++total_;
    max_ = value > max_ ? value : max_;
  }

  /// Adds all that another histogram has counted.
  void merge(const histogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      counts_[i] += other.counts_[i];
    }
    total_ += other.total_;
    max_ = other.max_ > max_ ? other.max_ : max_;
  }

  /// The largest value of the bucket at which `percent` (0 to 100) of all values are reached; 0 when there are none.
  [[nodiscard]] std::uint64_t percentile(double percent) const {
    const auto wanted = static_cast<std::uint64_t>(static_cast<double>(total_) * percent / 100.0);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > wanted || seen == total_) {
        return total_ == 0 ? 0 : upper_value(i);
      }
    }
    return max_;
  }

  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }

private:
  static constexpr unsigned fine_bits = 7;
  static constexpr unsigned value_bits = 40;
  static constexpr std::uint64_t fine = 1U << fine_bits;

  // Values below 2 * fine have a bucket each; above, the leading fine_bits + 1 bits choose one.
  static std::size_t index_of(std::uint64_t value) {
    if (value >> value_bits != 0) {
      value = (std::uint64_t{1} << value_bits) - 1;
    }
    const auto width = static_cast<unsigned>(std::bit_width(value));
    const unsigned shift = width > fine_bits + 1 ? width - fine_bits - 1 : 0;
    return static_cast<std::size_t>(shift * fine + (value >> shift));
  }

  static std::uint64_t upper_value(std::size_t index) {
    if (index < 2 * fine) {
      return index;
    }
    const std::uint64_t shift = index / fine - 1;
    return ((index - shift * fine + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (value_bits - fine_bits + 1) * fine> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace keyrack::bench
