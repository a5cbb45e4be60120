#include "actors/hotel_observer.hpp"

#include "actors/domain/assert.hpp"
#include "config/log.hpp"

#include <string>

namespace keyrack {

namespace {

constexpr std::array<std::string_view, std::variant_size_v<query>> query_names{
    "hotel", "room_type", "room_types", "rooms", "calendar", "availability", "reservation", "reservations"};

struct named {
  std::size_t index;
  std::string_view name;
};

named kind_of(const envelope& e) {
  if (const auto* c = std::get_if<command>(&e.body)) return {c->index(), to_text(operation_of(*c))};
  const auto index = std::get<query>(e.body).index();
  return {std::variant_size_v<command> + index, query_names.at(index)};
}

named answer_of(const answer_envelope& a) {
  if (const auto* yes = std::get_if<done>(&a.body)) return yes->replayed ? named{1, "replayed"} : named{0, "accepted"};
  if (std::holds_alternative<std::shared_ptr<const view>>(a.body)) return {2, "view"};
  const auto* no = std::get_if<refusal>(&a.body);
  const auto code = no ? no->code : std::get<failure>(a.body).code;
  return {3 + static_cast<std::size_t>(code), to_text(code)};
}

}  // namespace

counter& hotel_observer::counter_of(const envelope& e, const answer_envelope& a) {
  const auto kind = kind_of(e);
  const auto answer = answer_of(a);
  KEYRACK_ASSERT(kind.index < kinds_max && answer.index < answers_max);
  auto& known = counters_[kind.index][answer.index];
  if (auto* c = known.load(std::memory_order_acquire)) return *c;
  auto& c = metrics_.hotel.commands.of({std::string{kind.name}, std::string{answer.name}});
  known.store(&c, std::memory_order_release);
  return c;
}

void hotel_observer::answered(const envelope& e, const answer_envelope& a, steady_instant arrived, steady_instant now) {
  counter_of(e, a).add();
  metrics_.hotel.answer_seconds.observe(now - arrived);
  if (const auto* f = std::get_if<failure>(&a.body)) {
    log_warn("request failed", {{"request_id", e.request_id},
                                {"hotel", to_text(e.hotel)},
                                {"code", to_text(f->code)},
                                {"outcome", to_text(f->outcome)},
                                {"detail", f->detail}});
    return;
  }
  if (!log_sampled(e.request_id)) return;
  log_info("hotel answered", {{"request_id", e.request_id},
                              {"hotel", to_text(e.hotel)},
                              {"sequence", a.sequence},
                              {"kind", kind_of(e).name},
                              {"answer", answer_of(a).name},
                              {"duration_us", (now - arrived).count() / 1'000}});
}

void hotel_observer::loaded(hotel_id hotel, std::chrono::nanoseconds took, const std::string* why_not) {
  metrics_.hotel.recovery_seconds.observe(took);
  metrics_.hotel.recoveries.of({why_not ? "failed" : "ok"}).add();
  if (why_not) log_error("hotel could not be loaded", {{"hotel", to_text(hotel)}, {"detail", *why_not}});
}

void hotel_observer::append_failed(hotel_id hotel, std::uint64_t first_seq, append_result result) {
  metrics_.hotel.stops.of({std::string{to_text(result)}}).add();
  log_error("hotel stops: its append failed",
            {{"hotel", to_text(hotel)}, {"sequence", first_seq}, {"code", to_text(result)}});
}

}  // namespace keyrack
