// Goal: an id that was read out over the telephone is understood, and one that was mistyped is recognised.
#include "actors/domain/ids.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cctype>
#include <string>
#include <string_view>

namespace keyrack {
namespace {

constexpr std::string_view alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::uint64_t sixty_bits = (std::uint64_t{1} << 60) - 1;

reservation_id some_id(std::uint64_t hotel, std::uint64_t number) {
  return {.hotel = {hotel & sixty_bits}, .number = {number % sixty_bits + 1}};
}

TEST(HotelId, IsWrittenInTwelveCharacters) {
  EXPECT_EQ(to_text(hotel_id{0}), "000000000000");
  EXPECT_EQ(to_text(hotel_id{31}), "00000000000z");
  EXPECT_EQ(to_text(hotel_id{32}), "000000000010");
  EXPECT_EQ(to_text(hotel_id{sixty_bits}), "zzzzzzzzzzzz");
}

TEST(HotelId, IsReadAsPeopleTypeIt) {
  EXPECT_EQ(parse_hotel_id("7K2M9QX4VD1H"), parse_hotel_id("7k2m9qx4vd1h"));
  EXPECT_EQ(parse_hotel_id("oOiIlL000000"), parse_hotel_id("001111000000"));
}

TEST(HotelId, IsNothingWhenItIsNotOne) {
  for (const auto* text :
       {"", "7k2m9qx4vd1", "7k2m9qx4vd1hh", "7k2m9qx4vd1u", "7k2m-qx4vd1h", "7k2m9qx4vd1 ", "é2m9qx4vd1h"})
    EXPECT_EQ(parse_hotel_id(text), std::nullopt) << text;
}

RC_GTEST_PROP(HotelId, IsReadAsItWasWritten, (std::uint64_t value)) {
  const hotel_id id{value & sixty_bits};
  RC_ASSERT(parse_hotel_id(to_text(id)) == id);
}

RC_GTEST_PROP(GuestId, IsReadAsItWasWritten, (std::uint64_t high, std::uint64_t low)) {
  const guest_id id{.high = high & sixty_bits, .low = low & sixty_bits};
  RC_ASSERT(to_text(id).size() == 24U);
  RC_ASSERT(parse_guest_id(to_text(id)) == id);
}

TEST(GuestId, IsNothingWhenItIsNotOne) {
  EXPECT_EQ(parse_guest_id("7k2m9qx4vd1h"), std::nullopt);
  EXPECT_EQ(parse_guest_id("7k2m9qx4vd1h7k2m9qx4vd1u"), std::nullopt);
}

TEST(ReservationId, PadsItsCounterToFiveCharactersAndGrowsPastThem) {
  EXPECT_EQ(to_text(some_id(0, 0)).substr(12, 6), "-00001");
  EXPECT_EQ(to_text(reservation_id{{0}, {(1U << 25) - 1}}).substr(12, 6), "-zzzzz");
  EXPECT_EQ(to_text(reservation_id{{0}, {1U << 25}}).substr(12, 7), "-100000");
}

RC_GTEST_PROP(ReservationId, IsReadAsItWasWritten, (std::uint64_t hotel, std::uint64_t number)) {
  const auto id = some_id(hotel, number);
  auto text = to_text(id);
  RC_ASSERT(parse_reservation_id(text) == id);
  for (auto& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  RC_ASSERT(parse_reservation_id(text) == id);
}

RC_GTEST_PROP(ReservationId, IsNotFoundWhenOneCharacterIsWrong, (std::uint64_t hotel, std::uint32_t number)) {
  const auto text = to_text(some_id(hotel, number));
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char other : alphabet) {
      auto wrong = text;
      wrong[i] = other;
      if (wrong != text) RC_ASSERT(!parse_reservation_id(wrong));
    }
  }
}

TEST(ReservationId, IsNothingWhenItIsNotOne) {
  const auto good = to_text(some_id(12345, 678));
  for (const auto& text : {std::string{}, good.substr(0, 12), good.substr(0, good.size() - 1), good + "0",
                           good.substr(0, 13) + "0" + good.substr(13), good.substr(0, 12) + good.substr(13)})
    EXPECT_EQ(parse_reservation_id(text), std::nullopt) << text;
  // Number 0 was never given, whatever its check character.
  for (const char check : alphabet)
    EXPECT_EQ(parse_reservation_id(std::string{"7k2m9qx4vd1h-00000"} + check), std::nullopt) << check;
}

TEST(Uuid, IsReadInAnyCaseAndWrittenSmall) {
  const auto key = parse_uuid("2F6C0A4E-1b2c-3D4e-8f90-0123456789AB");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->high, 0x2F6C0A4E1B2C3D4EU);
  EXPECT_EQ(key->low, 0x8F900123456789ABU);
  EXPECT_EQ(to_uuid_text(*key), "2f6c0a4e-1b2c-3d4e-8f90-0123456789ab");
}

RC_GTEST_PROP(Uuid, IsReadAsItWasWritten, (std::uint64_t high, std::uint64_t low)) {
  const request_key key{.high = high, .low = low};
  RC_ASSERT(parse_uuid(to_uuid_text(key)) == key);
}

TEST(Uuid, IsNothingWhenItIsNotOne) {
  for (const auto* text : {"", "2f6c0a4e1b2c3d4e8f900123456789ab", "2f6c0a4e-1b2c-3d4e-8f90-0123456789a",
                           "2f6c0a4e-1b2c-3d4e-8f90-0123456789abc", "2f6c0a4e-1b2c-3d4e-8f90-0123456789ag",
                           "2f6c0a4e-1b2c-3d4e-8f9-00123456789ab", "{2f6c0a4e-1b2c-3d4e-8f90-0123456789}"})
    EXPECT_EQ(parse_uuid(text), std::nullopt) << text;
}

}  // namespace
}  // namespace keyrack
