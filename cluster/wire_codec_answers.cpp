// Answers to and from their messages.
#include "actors/domain/assert.hpp"
#include "cluster/wire_codec.hpp"
#include "cluster/wire_codec_parts.hpp"

#include <memory>
#include <utility>
#include <variant>

namespace keyrack::cluster {
namespace {

using wire_parts::fault;

/// As much of a sentence as is sent, without a character cut in two.
std::string_view cut(const std::string& detail) {
  if (detail.size() <= wire_parts::detail_bytes_max) return detail;
  auto end = wire_parts::detail_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(detail[end]) & 0xC0) == 0x80) --end;
  return std::string_view{detail}.substr(0, end);
}

// One for each way to answer: another one does not compile before it has one too.
struct answer_writer {
  const value_codec& values;
  wire::Answer& to;

  void operator()(const done& a) const {
    KEYRACK_ASSERT(a.what != nullptr);
    auto& m = *to.mutable_done();
    m.set_seq(a.what->seq);
    m.set_event(values.encode(*a.what));
    m.set_replayed(a.replayed);
    wire_parts::name_kind(to.result_case(), to);
  }
  void operator()(const refusal& a) const {
    auto& m = *to.mutable_refusal();
    m.set_code(wire_parts::to_wire(a.code));
    for (const auto& r : a.reasons) wire_parts::write(r, *m.add_reasons());
    const auto detail = cut(a.detail);
    m.set_detail(detail.data(), detail.size());
    wire_parts::name_kind(to.result_case(), to);
  }
  void operator()(const std::shared_ptr<const view>& a) const {
    KEYRACK_ASSERT(a != nullptr);
    wire_parts::write(*a, values, to);
  }
  void operator()(const failure& a) const {
    auto& m = *to.mutable_failure();
    m.set_code(wire_parts::to_wire(a.code));
    m.set_unknown(a.outcome == outcome::unknown);
    const auto detail = cut(a.detail);
    m.set_detail(detail.data(), detail.size());
    wire_parts::name_kind(to.result_case(), to);
  }
};

done read(const wire::Done& from, const value_codec& values, fault& f) {
  return {.what = std::make_shared<const event>(f.take(values.decode_event(from.event(), from.seq()))),
          .replayed = from.replayed()};
}

refusal read(wire::Refusal& from, fault& f) {
  refusal to;
  to.code = wire_parts::read_code(from.code(), f);
  to.detail = wire_parts::read_text(std::move(*from.mutable_detail()), wire_parts::detail_bytes_max, f);
  if (!f.require(from.reasons_size() <= wire_parts::reasons_max, "too many reasons")) return to;
  to.reasons.reserve(static_cast<std::size_t>(from.reasons_size()));
  for (const auto& r : from.reasons()) to.reasons.push_back(wire_parts::read(r, f));
  return to;
}

failure read(wire::Failure& from, fault& f) {
  return {.code = wire_parts::read_code(from.code(), f),
          .outcome = from.unknown() ? outcome::unknown : outcome::not_applied,
          .detail = wire_parts::read_text(std::move(*from.mutable_detail()), wire_parts::detail_bytes_max, f)};
}

bool is_whole(const wire::Answer& from, fault& f) {
  const bool results = from.result_case() != wire::Answer::RESULT_NOT_SET;
  const bool shows = from.view_case() != wire::Answer::VIEW_NOT_SET;
  if (!results && !shows) return f.require(false, wire_parts::unknown_kind("an answer", from.kind()));
  return f.require(results != shows, "two answers at once");
}

void read_body(wire::Answer& from, const value_codec& values, fault& f, answer_envelope& to) {
  switch (from.result_case()) {
  case wire::Answer::kDone: to.body = read(from.done(), values, f); return;
  case wire::Answer::kRefusal: to.body = read(*from.mutable_refusal(), f); return;
  case wire::Answer::kFailure: to.body = read(*from.mutable_failure(), f); return;
  case wire::Answer::RESULT_NOT_SET: break;
  }
  to.body = std::make_shared<const view>(wire_parts::read_view(from, values, f));
}

}  // namespace

std::string encode_answer(const answer_envelope& a, const value_codec& values) {
  wire_parts::scratch scratch;
  auto& message = scratch.make<wire::Answer>();
  message.set_hotel(a.hotel.value);
  message.set_sequence(a.sequence);
  std::visit(answer_writer{values, message}, a.body);
  return message_bytes(message);
}

std::expected<answer_envelope, std::string> decode_answer(std::string_view bytes, const value_codec& values) {
  wire_parts::scratch scratch;
  auto& from = scratch.make<wire::Answer>();
  fault f;
  if (!wire_parts::parse(from, bytes, "an answer", f) || !is_whole(from, f)) return std::unexpected(f.why());

  std::expected<answer_envelope, std::string> to{std::in_place};
  to->hotel = wire_parts::read_hotel(from.hotel(), f);
  to->sequence = from.sequence();
  to->rests_on = durable{};
  read_body(from, values, f, *to);
  if (f) return std::unexpected(f.why());
  return to;
}

}  // namespace keyrack::cluster
