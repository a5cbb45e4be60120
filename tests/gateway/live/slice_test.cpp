// Goal: through a real socket, a hotel is created, a room booked, confirmed, read, cancelled.
#include "tests/gateway/live/live_server.hpp"

#include <gtest/gtest.h>

namespace keyrack::testing {
namespace {

TEST(GatewaySlice, BooksARoomFromEndToEnd) {
  live_server at;
  auto client = at.connect();
  const auto hotel = client.send("POST", "/v1/hotels", hotel_body(), "Idempotency-Key: astoria\r\n");
  ASSERT_EQ(hotel.status, 201) << hotel.body;
  const auto id = text_of(hotel.json(), "id");
  EXPECT_EQ(hotel.field("Location"), "/v1/hotels/" + id);
  const auto type = client.send("POST", "/v1/hotels/" + id + "/room-types", room_type_body());
  ASSERT_EQ(type.status, 201) << type.body;
  const auto booked = client.send("POST", "/v1/reservations", reservation_body(id));
  ASSERT_EQ(booked.status, 201) << booked.body;
  const auto reservation = text_of(booked.json(), "id");
  EXPECT_EQ(text_of(booked.json(), "status"), "PENDING");
  const auto confirmed = client.send("POST", "/v1/reservations/" + reservation + "/confirm");
  ASSERT_EQ(confirmed.status, 200) << confirmed.body;
  const auto read = client.send("GET", "/v1/reservations/" + reservation);
  EXPECT_EQ(read.body, confirmed.body);
  const auto cancelled = client.send("POST", "/v1/reservations/" + reservation + "/cancel");
  EXPECT_EQ(text_of(cancelled.json(), "status"), "CANCELLED");
}

TEST(GatewaySlice, GivesTheFirstAnswerAgainByteForByte) {
  live_server at;
  auto client = at.connect();
  const auto first = client.send("POST", "/v1/hotels", hotel_body(), "Idempotency-Key: astoria\r\n");
  const auto second = client.send("POST", "/v1/hotels", hotel_body(), "Idempotency-Key: astoria\r\n");
  EXPECT_EQ(second.status, 201);
  EXPECT_EQ(first.body, second.body);
  EXPECT_EQ(first.field("Idempotent-Replayed"), "");
  EXPECT_EQ(second.field("Idempotent-Replayed"), "true");
}

}  // namespace
}  // namespace keyrack::testing
