// Samples as bytes and as messages of the wire, and whether what arrived says what was sent: for tests of the codec.
#pragma once

#include "cluster/wire_codec.hpp"
#include "persistence/value_codec.hpp"
#include "tests/cluster/wire/same.hpp"
#include "tests/cluster/wire/samples.hpp"

#include <cluster/proto/envelope.pb.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

namespace keyrack::cluster {

inline const value_codec& values() { return persistence::disk_value_codec(); }
inline std::string encoded(const envelope& e) { return encode_request(e, std::chrono::milliseconds{1500}, values()); }
inline std::string encoded(const answer_envelope& a) { return encode_answer(a, values()); }

inline bool says(const received_request& arrived, const envelope& sent) {
  return arrived.hotel == sent.hotel && testing::same(arrived.request, sent.request) &&
         testing::same(arrived.body, sent.body) && testing::same(arrived.personal, sent.personal) &&
         arrived.request_id == sent.request_id && arrived.in_doubt == sent.in_doubt;
}
inline bool says(const answer_envelope& arrived, const answer_envelope& sent) {
  return arrived.hotel == sent.hotel && arrived.sequence == sent.sequence && testing::same(arrived.body, sent.body) &&
         std::holds_alternative<durable>(arrived.rests_on);
}

inline wire::Request request_like(std::string_view kind) {
  wire::Request m;
  for (const auto& [name, sent] : testing::sample_requests()) {
    if (name == kind && !m.ParseFromString(encoded(sent))) ADD_FAILURE() << kind;
  }
  return m;
}
inline wire::Answer answer_like(std::string_view kind) {
  wire::Answer m;
  for (const auto& [name, sent] : testing::sample_answers()) {
    if (name == kind && !m.ParseFromString(encoded(sent))) ADD_FAILURE() << kind;
  }
  return m;
}
inline wire::Item& first_item(wire::Request& m) { return *m.mutable_hold_rooms()->mutable_items(0); }

}  // namespace keyrack::cluster
