// Stands where the records will: answers every question with `unavailable`.
#pragma once

#include "actors/ports.hpp"

namespace keyrack::deploy {

class absent_records final : public records {
public:
  void find_guest(guest_id, steady_instant, record_callback<guest_record> then) override { no(then); }
  void change_guest(guest_id, guest_change, std::optional<std::uint64_t>, steady_instant,
                    record_callback<guest_record> then) override {
    no(then);
  }
  void erase_guest(guest_id, std::optional<std::uint64_t>, steady_instant,
                   record_callback<guest_record> then) override {
    no(then);
  }
  void find_guests_by_name(hotel_id, std::string, steady_instant,
                           record_callback<std::vector<guest_id>> then) override {
    no(then);
  }
  void find_notes(reservation_id, steady_instant, record_callback<std::string> then) override { no(then); }
  void list_reservations_of_guest(guest_id, std::optional<bool>, date, std::optional<std::pair<date, reservation_id>>,
                                  int, steady_instant, record_callback<page<reservation_row>> then) override {
    no(then);
  }
  void list_hotels(std::optional<hotel_id>, int, steady_instant, record_callback<page<hotel_row>> then) override {
    no(then);
  }
  void find_departed(reservation_id, steady_instant, record_callback<reservation> then) override { no(then); }
  void read_history(reservation_id, std::uint64_t, int, steady_instant,
                    record_callback<std::vector<event>> then) override {
    no(then);
  }

private:
  template <typename Then>
  static void no(const Then& then) {
    then(failure{errc::unavailable, outcome::not_applied, "the records are not there yet"});
  }
};

}  // namespace keyrack::deploy
