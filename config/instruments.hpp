// What metrics are made of: counter, gauge, histogram, and families of them by label. Updates are single relaxed atomic
// operations, cheap enough for every request; prometheus-cpp comes in only when somebody reads, in instruments.cpp.
// Knows no metric's name: those are in metrics.hpp.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keyrack {

using label_values = std::vector<std::string>;

/// Counts up. Any thread.
class counter {
public:
  counter() = default;
  counter(const counter&) = delete;
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_{0};
};

/// Goes up and down. Any thread.
class gauge {
public:
  gauge() = default;
  gauge(const gauge&) = delete;
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void set(std::chrono::nanoseconds value) { set(std::chrono::duration<double>(value).count()); }
  void add(double n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  void sub(double n = 1) { value_.fetch_sub(n, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<double> value_{0};
};

/// Upper bounds of a histogram's buckets, ascending, in its base unit (nanoseconds, pieces, bytes), and what one unit of
/// it is worth in the exposition (1e-9: seconds).
struct buckets {
  std::span<const std::uint64_t> bounds;
  double unit = 1;
  static const buckets durations;  ///< 100 µs … 30 s; tells 1 ms from 1.5 ms from 2 ms
  static const buckets outages;    ///< 100 ms … 60 s; tells 0.5 s from 0.6 s, and 1 s from 1.25 s
  static const buckets counts;     ///< 1 … 65,536, powers of two
  static const buckets bytes;      ///< 256 B … 64 MiB, powers of four
};

/// Counts observations by size. Any thread.
class histogram {
public:
  static constexpr std::size_t buckets_max = 32;
  explicit histogram(const buckets& shape) : shape_(shape) {}
  histogram(const histogram&) = delete;
  void observe(std::uint64_t value) {
    counts_[bucket_of(value)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }
  /// Negative durations count as zero.
  void observe(std::chrono::nanoseconds value) {
    observe(static_cast<std::uint64_t>(value.count() < 0 ? 0 : value.count()));
  }
  const buckets& shape() const { return shape_; }
  /// Observations in the bucket itself, not cumulative; index `bounds.size()` holds those above all bounds.
  std::uint64_t in_bucket(std::size_t i) const { return counts_[i].load(std::memory_order_relaxed); }
  std::uint64_t sum() const { return sum_.load(std::memory_order_relaxed); }

private:
  std::size_t bucket_of(std::uint64_t value) const {
    std::size_t i = 0;
    while (i < shape_.bounds.size() && value > shape_.bounds[i]) ++i;
    return i;
  }
  buckets shape_;
  std::array<std::atomic<std::uint64_t>, buckets_max + 1> counts_{};
  std::atomic<std::uint64_t> sum_{0};
};

class metric_registry;

/// Sees every instrument of a family with its label values.
class instrument_visitor {
public:
  virtual ~instrument_visitor() = default;
  virtual void see(const label_values& labels, const counter& instrument) = 0;
  virtual void see(const label_values& labels, const gauge& instrument) = 0;
  virtual void see(const label_values& labels, const histogram& instrument) = 0;
};

/// A name, a help text, and the instruments under it.
class instrument_family {
public:
  enum class kind : std::uint8_t { counter, gauge, histogram };
  instrument_family(metric_registry& into, kind type, std::string_view name, std::string_view help,
                    std::vector<std::string> labels);
  instrument_family(const instrument_family&) = delete;
  virtual ~instrument_family() = default;
  virtual void visit(instrument_visitor& visitor) const = 0;
  kind type() const { return type_; }
  std::string_view name() const { return name_; }
  std::string_view help() const { return help_; }
  const std::vector<std::string>& labels() const { return labels_; }

  template <typename Instrument>
  static constexpr kind kind_of = std::same_as<Instrument, counter> ? kind::counter
                                  : std::same_as<Instrument, gauge> ? kind::gauge
                                                                    : kind::histogram;

private:
  kind type_;
  std::string_view name_;
  std::string_view help_;
  std::vector<std::string> labels_;
};

/// Keeps the families of one node. Families register themselves and must live as long as it is read.
class metric_registry {
public:
  void enter(instrument_family& family);
  const std::vector<instrument_family*>& families() const { return families_; }
  /// Calls `refresh` before each reading, for gauges that are looked up and not pushed. Call it before serving.
  void before_reading(std::function<void()> refresh) { refreshers_.push_back(std::move(refresh)); }
  /// The Prometheus text exposition of everything. Any thread.
  std::string text() const;

private:
  std::vector<instrument_family*> families_;
  std::vector<std::function<void()>> refreshers_;
};

/// Instruments of one name that differ by label values. `of` takes a lock: look up once and keep the reference, which
/// stays valid as long as the family. Label values must come from a fixed set: each one is a series for ever.
template <typename Instrument>
class metric_family : public instrument_family {
public:
  metric_family(metric_registry& into, std::string_view name, std::string_view help, std::vector<std::string> labels)
      : instrument_family(into, kind_of<Instrument>, name, help, std::move(labels)) {}
  metric_family(metric_registry& into, std::string_view name, std::string_view help, std::vector<std::string> labels,
                const buckets& shape)
    requires std::same_as<Instrument, histogram>
      : instrument_family(into, kind_of<Instrument>, name, help, std::move(labels)), shape_(&shape) {}

  Instrument& of(label_values values) {
    std::lock_guard lock{mutex_};
    auto& known = instruments_[std::move(values)];
    if (!known) {
      if constexpr (std::same_as<Instrument, histogram>) {
        known = std::make_unique<Instrument>(*shape_);
      } else {
        known = std::make_unique<Instrument>();
      }
    }
    return *known;
  }
  void visit(instrument_visitor& visitor) const override {
    std::lock_guard lock{mutex_};
    for (const auto& [values, instrument] : instruments_) visitor.see(values, *instrument);
  }

private:
  mutable std::mutex mutex_;
  std::map<label_values, std::unique_ptr<Instrument>> instruments_;
  const buckets* shape_ = nullptr;
};

/// A family of one instrument without labels.
template <typename Instrument>
class metric : public instrument_family, public Instrument {
public:
  metric(metric_registry& into, std::string_view name, std::string_view help)
      : instrument_family(into, kind_of<Instrument>, name, help, {}) {}
  metric(metric_registry& into, std::string_view name, std::string_view help, const buckets& shape)
    requires std::same_as<Instrument, histogram>
      : instrument_family(into, kind_of<Instrument>, name, help, {}), Instrument(shape) {}
  void visit(instrument_visitor& visitor) const override { visitor.see({}, *this); }
};

/// Handles of a counter family with two labels by two small numbers (kind and answer of a command, route and status):
/// the names are asked for only the first time a pair is met. Any thread.
template <std::size_t Rows, std::size_t Columns>
class counter_table {
public:
  explicit counter_table(metric_family<counter>& of) : family_(of) {}
  /// REQUIRES: row < Rows, column < Columns; the names belong to the numbers.
  template <typename RowName, typename ColumnName>
  counter& at(std::size_t row, std::size_t column, RowName row_name, ColumnName column_name) {
    auto& cell = cells_[row * Columns + column];
    if (auto* known = cell.load(std::memory_order_acquire)) return *known;
    auto& made = family_.of({std::string{row_name()}, std::string{column_name()}});
    cell.store(&made, std::memory_order_release);
    return made;
  }

private:
  metric_family<counter>& family_;
  std::array<std::atomic<counter*>, Rows * Columns> cells_{};
};

}  // namespace keyrack
