#include "deploy/demo/loader.hpp"

#include "deploy/demo/http_client.hpp"
#include "deploy/demo/requests.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace keyrack::demo {
namespace {

namespace asio = boost::asio;
using asio::use_awaitable;
using steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto pause_max = 2s;
constexpr auto retry_after_max = 10s;
constexpr auto show_every_terminal = 100ms;

/// Ends a load; what() is the sentence for the user.
struct load_failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A text member of a JSON object; empty when there is none.
std::string member(const boost::json::value& body, std::string_view name) {
  const auto* object = body.if_object();
  const auto* found = object == nullptr ? nullptr : object->if_contains(name);
  const auto* text = found == nullptr ? nullptr : found->if_string();
  return text == nullptr ? std::string{} : std::string(*text);
}

boost::json::value parsed(const std::string& body) {
  boost::system::error_code error;
  auto value = boost::json::parse(body, error);
  return error ? boost::json::value{} : value;
}

/// The problem's code and detail, and every fault that it lists, in one line.
std::string problem_text(const http_answer& answer) {
  const auto problem = parsed(answer.body);
  auto text = fmt::format("{} {}", answer.status, member(problem, "code"));
  if (const auto detail = member(problem, "detail"); !detail.empty()) text += ": " + detail;
  const auto* object = problem.if_object();
  const auto* errors = object == nullptr ? nullptr : object->if_contains("errors");
  if (errors != nullptr && errors->is_array()) {
    for (const auto& fault : errors->get_array()) {
      text += fmt::format("; {} {}", member(fault, "pointer"), member(fault, "detail"));
    }
  }
  return text;
}

bool succeeded(const http_answer& answer) { return answer.status >= 200 && answer.status < 300; }

/// Asking again with the same key can help: over a bound, a deadline, or an outcome that the node does not know.
bool worth_retrying(const http_answer& answer) {
  if (answer.status == 429 || answer.status == 503 || answer.status == 504) return true;
  return answer.status >= 500 && member(parsed(answer.body), "outcome") == "unknown";
}

struct load_run {
  load_run(const generator& made, const load_options& with, progress& on, http_address to)
      : from(made), options(with), shown(on), address(std::move(to)), at_work(with.connections) {}

  const generator& from;
  const load_options& options;
  progress& shown;
  http_address address;
  load_report report;
  std::uint32_t next = 0;  ///< the hotel that the next free connection takes
  int at_work;             ///< connections that still load
  double done = 0;         ///< hotels, with fractions of those in work
  bool ever_answered = false;
  std::optional<std::string> fault;
  steady::time_point began = steady::now();
};

std::string fault_of_answer(const api_request& request, const http_answer& answer) {
  auto text = fmt::format("{} {} was refused: {}", request.method, request.target, problem_text(answer));
  if (member(parsed(answer.body), "code") == "key_reused") {
    text += ". An earlier version of this program has loaded other hotels under this seed: take another --seed, or "
            "begin with an empty database";
  }
  return text;
}

/// One request, sent again with the same key until it is answered for good.
asio::awaitable<http_answer> answer_to(load_run& run, http_client& client, api_request request) {
  const auto began = steady::now();
  std::chrono::milliseconds pause = run.options.pause_first;
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    std::string reason;
    auto wait = pause;
    try {
      auto answer = co_await client.exchange(request);
      run.ever_answered = true;
      if (!worth_retrying(answer)) co_return answer;
      reason = problem_text(answer);
      if (answer.retry_after) wait = std::min<std::chrono::milliseconds>(*answer.retry_after, retry_after_max);
    } catch (const boost::system::system_error& error) {
      reason = error.code().message();
      if (!run.ever_answered) {
        throw load_failed(fmt::format("no node answers at http://{}: {}", run.address.text(), reason));
      }
    }
    if (steady::now() - began > run.options.patience) {
      throw load_failed(fmt::format("{} {} got no final answer within {} s: {}", request.method, request.target,
                                    run.options.patience.count(), reason));
    }
    ++run.report.counts.retries;
    timer.expires_after(wait);
    co_await timer.async_wait(use_awaitable);
    pause = std::min<std::chrono::milliseconds>(pause * 2, pause_max);
  }
}

/// A request that must succeed; its answer's body.
asio::awaitable<boost::json::value> carried_out(load_run& run, http_client& client, api_request request) {
  auto answer = co_await answer_to(run, client, request);
  if (!succeeded(answer)) throw load_failed(fault_of_answer(request, answer));
  if (answer.replayed) ++run.report.counts.replayed;
  co_return parsed(answer.body);
}

asio::awaitable<std::string> create_hotel(load_run& run, http_client& client, const hotel_plan& hotel) {
  const auto body = co_await carried_out(run, client, create_hotel_request(run.from.made_with(), hotel));
  auto id = member(body, "id");
  if (id.empty()) throw load_failed("the answer to POST /v1/hotels has no id; is this a Keyrack node?");
  co_return id;
}

asio::awaitable<room_type_id> add_room_type(load_run& run, http_client& client, const hotel_plan& hotel, std::size_t n,
                                            const std::string& hotel_id) {
  const auto body = co_await carried_out(run, client, add_room_type_request(run.from.made_with(), hotel, n, hotel_id));
  const auto* object = body.if_object();
  const auto* id = object == nullptr ? nullptr : object->if_contains("id");
  if (id == nullptr || !id->is_number()) throw load_failed("the answer to a new room type has no number as its id");
  ++run.report.counts.room_types;
  co_return room_type_id{id->to_number<std::uint16_t>()};
}

/// A booking may meet a guest who was faster; that is no fault of the load.
asio::awaitable<void> book(load_run& run, http_client& client, api_request request) {
  const auto answer = co_await answer_to(run, client, request);
  if (answer.status == 409) {
    ++run.report.counts.refused;
  } else if (!succeeded(answer)) {
    throw load_failed(fault_of_answer(request, answer));
  }
  if (answer.replayed) ++run.report.counts.replayed;
  ++run.report.counts.bookings;
}

/// Keeps what the hotel with the lowest index has to show, so that every run shows the same.
void offer_example(std::optional<example>& kept, const hotel_plan& hotel, const std::string& hotel_id,
                   const std::vector<room_type_id>& ids, const std::optional<open_stay>& found) {
  if (!found || (kept && kept->index < hotel.index)) return;
  const std::size_t at = found->type.value - 1U;
  kept = example{.index = hotel.index,
                 .hotel_id = hotel_id,
                 .hotel_name = hotel.profile.name,
                 .room_type = ids[at],
                 .room_type_guests = hotel.room_types[at].max_guests,
                 .found = *found};
}

asio::awaitable<void> load_hotel(load_run& run, http_client& client, std::uint32_t index) {
  const auto& made_with = run.from.made_with();
  const auto hotel = run.from.hotel(index);
  const auto calendar = run.from.calendar(hotel);
  const auto bookings = run.from.bookings(hotel);
  const double step = 1.0 / static_cast<double>(2 + hotel.room_types.size() + bookings.size());

  const auto hotel_id = co_await create_hotel(run, client, hotel);
  run.done += step;
  std::vector<room_type_id> ids;
  for (std::size_t n = 1; n <= hotel.room_types.size(); ++n) {
    ids.push_back(co_await add_room_type(run, client, hotel, n, hotel_id));
    run.done += step;
  }
  co_await carried_out(run, client, change_calendar_request(made_with, hotel, calendar, hotel_id, ids));
  ++run.report.counts.calendars;
  run.done += step;
  for (const auto& booked : bookings) {
    if (run.fault) co_return;
    co_await book(run, client, book_request(made_with, hotel, booked, hotel_id, ids));
    run.done += step;
  }
  ++run.report.counts.hotels;

  if (made_with.profile != profile::demo) co_return;
  const auto earliest = made_with.from + 13;
  offer_example(run.report.open, hotel, hotel_id, ids, find_open_stay(hotel, calendar, bookings, earliest));
  offer_example(run.report.last_rooms, hotel, hotel_id, ids, find_last_rooms(hotel, calendar, bookings, earliest));
}

/// One connection: takes hotel after hotel until there are none left or another connection met a fault.
asio::awaitable<void> work(load_run& run) {
  http_client client(co_await asio::this_coro::executor, run.address, run.options.patience);
  try {
    while (!run.fault && run.next < run.options.hotels) co_await load_hotel(run, client, run.next++);
  } catch (const std::exception& error) {
    if (!run.fault) run.fault = error.what();
  }
  --run.at_work;
}

asio::awaitable<void> show_progress(load_run& run, bool terminal) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const std::chrono::milliseconds period = terminal ? show_every_terminal : 1s;
  auto shown_at = run.began;
  while (run.at_work > 0) {
    // Short waits, so that a finished load ends at once.
    timer.expires_after(show_every_terminal);
    co_await timer.async_wait(use_awaitable);
    const auto now = steady::now();
    if (now - shown_at < period) continue;
    shown_at = now;
    run.shown.show(
        progress_line(run.report.counts, run.done / run.options.hotels, run.options.hotels, now - run.began));
  }
}

}  // namespace

std::expected<load_report, std::string> load(const generator& from, const load_options& options, progress& shown) {
  auto address = parse_url(options.url);
  if (!address) return std::unexpected(address.error());
  load_run run(from, options, shown, *address);
  asio::io_context context(1);
  for (int n = 0; n < options.connections; ++n) asio::co_spawn(context, work(run), asio::detached);
  asio::co_spawn(context, show_progress(run, shown.on_terminal()), asio::detached);
  context.run();
  shown.end();
  if (run.fault) return std::unexpected(*run.fault);
  run.report.took = steady::now() - run.began;
  return run.report;
}

}  // namespace keyrack::demo
