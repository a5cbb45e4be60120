#include "deploy/demo/loader.hpp"

#include "deploy/demo/answers.hpp"
#include "deploy/demo/patient_client.hpp"
#include "deploy/demo/requests.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <deque>
#include <exception>
#include <utility>

namespace keyrack::demo {
namespace {

namespace asio = boost::asio;
using asio::use_awaitable;
using steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds show_every = 1s;
constexpr std::chrono::milliseconds show_every_terminal = 100ms;

/// Examples begin as many nights after the first, where a newcomer looks.
constexpr int example_after_nights = 13;

/// What all connections share. All of it lives on one thread.
struct load_run {
  load_run(const generator& made, const load_options& with, http_address to, asio::io_context& context)
      : from(made), options(with), address(std::move(to)), at_work(with.connections), next_show(context) {}

  const generator& from;
  const load_options& options;
  http_address address;
  load_report report;
  std::uint32_t next = 0;  ///< the hotel that the next free connection takes
  int at_work;             ///< connections that still load
  double done = 0;         ///< hotels, with fractions of those in work
  std::optional<std::string> fault;
  steady::time_point began = steady::now();
  asio::steady_timer next_show;  ///< cancelled when nobody works any more
};

/// One connection: takes hotel after hotel until there are none left or a connection has met a fault.
class hotel_loader {
public:
  hotel_loader(load_run& run, asio::io_context& context)
      : run_(run), client_(context.get_executor(), run.address, run.options.patience) {}

  asio::awaitable<void> work();

private:
  asio::awaitable<void> load_hotel(std::uint32_t index);
  asio::awaitable<void> add_room_types();
  asio::awaitable<void> book_all();

  /// A request that must succeed.
  asio::awaitable<http_answer> carried_out(api_request request);

  /// Counts one more request of the hotel as done.
  void advance() { run_.done += 1.0 / static_cast<double>(2 + hotel_.room_types.size() + bookings_.size()); }
  void offer_example(std::optional<example>& kept, const std::optional<open_stay>& found) const;
  const settings& made_with() const { return run_.from.made_with(); }

  load_run& run_;
  patient_client client_;

  // The hotel in work, and the ids that the node gave it.
  hotel_plan hotel_;
  std::vector<calendar_change> calendar_;
  std::vector<booking> bookings_;
  std::string hotel_id_;
  std::vector<room_type_id> type_ids_;
};

asio::awaitable<http_answer> hotel_loader::carried_out(api_request request) {
  auto answer = co_await client_.answer_to(request);
  if (!succeeded(answer)) throw load_failed(refusal_text(request, answer));
  if (answer.replayed) ++run_.report.counts.replayed;
  advance();
  co_return answer;
}

asio::awaitable<void> hotel_loader::add_room_types() {
  type_ids_.clear();
  for (std::size_t n = 1; n <= hotel_.room_types.size(); ++n) {
    const auto answer = co_await carried_out(add_room_type_request(made_with(), hotel_, n, hotel_id_));
    const auto id = number_id(answer);
    if (!id) throw load_failed("the answer to a new room type has no number as its id");
    type_ids_.push_back({*id});
    ++run_.report.counts.room_types;
  }
}

asio::awaitable<void> hotel_loader::book_all() {
  for (const auto& booked : bookings_) {
    if (run_.fault) co_return;
    const auto request = book_request(made_with(), hotel_, booked, hotel_id_, type_ids_);
    const auto answer = co_await client_.answer_to(request);
    // A guest may have been faster; that is no fault of the load.
    const bool refused = answer.status == 409;
    if (!refused && !succeeded(answer)) throw load_failed(refusal_text(request, answer));
    auto& counts = run_.report.counts;
    ++counts.bookings;
    if (refused) ++counts.refused;
    if (answer.replayed) ++counts.replayed;
    advance();
  }
}

/// Keeps what the hotel with the lowest index has to show, so that every run shows the same.
void hotel_loader::offer_example(std::optional<example>& kept, const std::optional<open_stay>& found) const {
  if (!found || (kept && kept->index < hotel_.index)) return;
  const std::size_t at = found->type.value - 1U;
  kept = example{.index = hotel_.index,
                 .hotel_id = hotel_id_,
                 .hotel_name = hotel_.profile.name,
                 .room_type = type_ids_[at],
                 .room_type_guests = hotel_.room_types[at].max_guests,
                 .found = *found};
}

asio::awaitable<void> hotel_loader::load_hotel(std::uint32_t index) {
  hotel_ = run_.from.hotel(index);
  calendar_ = run_.from.calendar(hotel_);
  bookings_ = run_.from.bookings(hotel_);

  const auto created = co_await carried_out(create_hotel_request(made_with(), hotel_));
  const auto id = text_id(created);
  if (!id) throw load_failed("the answer to POST /v1/hotels has no id; is this a Keyrack node?");
  hotel_id_ = *id;
  co_await add_room_types();
  co_await carried_out(change_calendar_request(made_with(), hotel_, calendar_, hotel_id_, type_ids_));
  ++run_.report.counts.calendars;
  co_await book_all();
  if (run_.fault) co_return;
  ++run_.report.counts.hotels;

  if (made_with().profile != profile::demo) co_return;
  const auto earliest = made_with().from + example_after_nights;
  offer_example(run_.report.open, find_open_stay(hotel_, calendar_, bookings_, earliest));
  offer_example(run_.report.last_rooms, find_last_rooms(hotel_, calendar_, bookings_, earliest));
}

asio::awaitable<void> hotel_loader::work() {
  try {
    while (!run_.fault && run_.next < run_.options.hotels) co_await load_hotel(run_.next++);
  } catch (const std::exception& error) {
    if (!run_.fault) run_.fault = error.what();
  }
  run_.report.counts.retries += client_.retries();
  if (--run_.at_work == 0) run_.next_show.cancel();
}

/// Shows how far the load is until no connection works any more.
asio::awaitable<void> show_progress(load_run* run, progress* shown) {
  const std::chrono::milliseconds period = shown->on_terminal() ? show_every_terminal : show_every;
  while (run->at_work > 0) {
    run->next_show.expires_after(period);
    boost::system::error_code cancelled;
    co_await run->next_show.async_wait(asio::redirect_error(use_awaitable, cancelled));
    if (cancelled) continue;
    const auto hotels = run->options.hotels;
    shown->show(progress_line(run->report.counts, run->done / hotels, hotels, steady::now() - run->began));
  }
}

}  // namespace

std::expected<load_report, std::string> load(const generator& from, const load_options& options, progress& shown) {
  auto address = parse_url(options.url);
  if (!address) return std::unexpected(address.error());
  asio::io_context context(1);
  load_run run(from, options, *address, context);
  std::deque<hotel_loader> connections;
  for (int n = 0; n < options.connections; ++n) {
    asio::co_spawn(context, connections.emplace_back(run, context).work(), asio::detached);
  }
  asio::co_spawn(context, show_progress(&run, &shown), asio::detached);
  context.run();
  shown.end();
  if (run.fault) return std::unexpected(*run.fault);
  run.report.took = steady::now() - run.began;
  return run.report;
}

}  // namespace keyrack::demo
