// Bucket bounds, and the way from our instruments to prometheus-cpp's model and text.
#include "config/instruments.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <limits>

namespace keyrack {

namespace {

constexpr std::uint64_t us = 1'000;
constexpr std::uint64_t ms = 1'000 * us;
constexpr std::uint64_t s = 1'000 * ms;
constexpr std::array<std::uint64_t, 26> duration_bounds{
    100 * us, 250 * us, 500 * us, 750 * us, 1 * ms,  1500 * us, 2 * ms,  3 * ms,  4 * ms,
    6 * ms,   8 * ms,   10 * ms,  15 * ms,  20 * ms, 30 * ms,   50 * ms, 75 * ms, 100 * ms,
    200 * ms, 350 * ms, 500 * ms, 1 * s,    2 * s,   5 * s,     10 * s,  30 * s};
constexpr std::array<std::uint64_t, 22> outage_bounds{
    100 * ms,  200 * ms,  300 * ms, 400 * ms,  500 * ms, 600 * ms, 700 * ms, 800 * ms, 900 * ms, 1 * s,  1250 * ms,
    1500 * ms, 1750 * ms, 2 * s,    2500 * ms, 3 * s,    4 * s,    5 * s,    10 * s,   20 * s,   30 * s, 60 * s};
constexpr std::array<std::uint64_t, 17> count_bounds{1,   2,     4,     8,     16,    32,     64,     128,   256,
                                                     512, 1'024, 2'048, 4'096, 8'192, 16'384, 32'768, 65'536};
constexpr std::array<std::uint64_t, 10> byte_bounds{256,     1'024,     4'096,     16'384,     65'536,
                                                    262'144, 1'048'576, 4'194'304, 16'777'216, 67'108'864};
static_assert(duration_bounds.size() <= histogram::buckets_max && count_bounds.size() <= histogram::buckets_max);

prometheus::MetricType type_of(const instrument_family& family) {
  switch (family.type()) {
  case instrument_family::kind::counter: return prometheus::MetricType::Counter;
  case instrument_family::kind::histogram: return prometheus::MetricType::Histogram;
  case instrument_family::kind::gauge: break;
  }
  // A total that is looked up elsewhere is kept in a gauge, and still is a counter to the reader.
  return family.name().ends_with("_total") ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
}

/// Turns one family's instruments into prometheus-cpp's.
class collector : public instrument_visitor {
public:
  explicit collector(const instrument_family& family) : family_(family) {
    into.name = family.name();
    into.help = family.help();
    into.type = type_of(family);
  }
  void see(const label_values& labels, const counter& instrument) override {
    add(labels).counter.value = static_cast<double>(instrument.value());
  }
  void see(const label_values& labels, const gauge& instrument) override {
    auto& metric = add(labels);
    metric.gauge.value = metric.counter.value = instrument.value();
  }
  void see(const label_values& labels, const histogram& instrument) override {
    auto& to = add(labels).histogram;
    const auto& bounds = instrument.shape().bounds;
    // The count is the sum of what was read, so that it equals the last bucket though others go on counting.
    for (std::size_t i = 0; i <= bounds.size(); ++i) {
      to.sample_count += instrument.in_bucket(i);
      // Divided, for 600,000,000 ns times 1e-9 are 0.6000000000000001 s.
      const double bound = i < bounds.size() ? static_cast<double>(bounds[i]) / std::round(1 / instrument.shape().unit)
                                             : std::numeric_limits<double>::infinity();
      to.bucket.push_back({.cumulative_count = to.sample_count, .upper_bound = bound});
    }
    to.sample_sum = static_cast<double>(instrument.sum()) * instrument.shape().unit;
  }

  prometheus::MetricFamily into;

private:
  prometheus::ClientMetric& add(const label_values& values) {
    auto& metric = into.metric.emplace_back();
    for (std::size_t i = 0; i < values.size() && i < family_.labels().size(); ++i) {
      metric.label.push_back({.name = family_.labels()[i], .value = values[i]});
    }
    return metric;
  }
  const instrument_family& family_;
};

}  // namespace

const buckets buckets::durations{duration_bounds, 1e-9};
const buckets buckets::outages{outage_bounds, 1e-9};
const buckets buckets::counts{count_bounds, 1};
const buckets buckets::bytes{byte_bounds, 1};

instrument_family::instrument_family(metric_registry& into, kind type, std::string_view name, std::string_view help,
                                     std::vector<std::string> labels)
    : type_(type), name_(name), help_(help), labels_(std::move(labels)) {
  into.enter(*this);
}

void metric_registry::enter(instrument_family& family) { families_.push_back(&family); }

std::string metric_registry::text() const {
  for (const auto& refresh : refreshers_) refresh();
  std::vector<prometheus::MetricFamily> collected;
  collected.reserve(families_.size());
  for (const auto* family : families_) {
    collector from{*family};
    family->visit(from);
    // A family nobody has counted in yet has no series; a name and a help alone say nothing.
    if (!from.into.metric.empty()) collected.push_back(std::move(from.into));
  }
  return prometheus::TextSerializer{}.Serialize(collected);
}

}  // namespace keyrack
