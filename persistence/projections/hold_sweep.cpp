#include "persistence/projections/hold_sweep.hpp"

#include "config/log.hpp"

namespace keyrack::persistence {
namespace {

// By hotel and not by deadline: a sweep that is cut off by its bound goes on where it was.
constexpr pg_statement overdue{"lapsed_holds", R"sql(
  SELECT hotel_id FROM guest_reservations
   WHERE status = 0 AND hold_expires_at <= $1 AND hotel_id > $2
   GROUP BY hotel_id
   ORDER BY hotel_id
   LIMIT $3::bigint
)sql"};

}  // namespace

std::expected<std::vector<hotel_id>, pg_error>
lapsed_holds(pg_connection& connection, instant now, std::optional<hotel_id> above, int limit, call_deadline deadline) {
  const auto from = above ? static_cast<std::int64_t>(above->value) : std::int64_t{-1};
  const auto rows =
      connection.run(overdue, pg_params{}.timestamptz(now).int8(from).int8(std::int64_t{limit}), deadline);
  if (!rows) return std::unexpected(rows.error());
  std::vector<hotel_id> hotels;
  for (int i = 0; i < rows->rows(); ++i) hotels.push_back({static_cast<std::uint64_t>(rows->integer(i, 0))});
  return hotels;
}

hold_sweep::hold_sweep(database_settings database, hotels_settings hotels, std::int64_t incarnation,
                       const cluster_clock& clock, std::function<void(hotel_id)> wake)
    : database_(std::move(database)),
      hotels_(hotels),
      incarnation_(incarnation),
      clock_(clock),
      wake_(std::move(wake)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

hold_sweep::~hold_sweep() = default;

void hold_sweep::run(const std::stop_token& stop) {
  bool worked = true;
  while (!stop.stop_requested()) {
    const bool works = sweep();
    if (worked && !works) log_warn("holds of sleeping hotels cannot be swept: the database does not answer");
    worked = works;
    std::unique_lock lock{mutex_};
    stopped_.wait_for(lock, stop, hotels_.sweep_period, [] { return false; });
  }
}

bool hold_sweep::sweep() {
  if (!connection_ || !connection_->usable()) {
    auto made = pg_connection::connect(database_, application_name(incarnation_, "hold-sweep"),
                                       call_deadline::in("database.connect_timeout", database_.connect_timeout));
    if (!made) return false;
    connection_ = std::move(*made);
  }
  const auto hotels = lapsed_holds(*connection_, clock_.now(), above_, hotels_.sweep_hotels_max,
                                   call_deadline::in("database.statement_timeout", database_.statement_timeout));
  if (!hotels) {
    connection_.reset();
    return false;
  }
  for (const auto hotel : *hotels) wake_(hotel);
  const bool full = hotels->size() == static_cast<std::size_t>(hotels_.sweep_hotels_max);
  above_ = full ? std::optional{hotels->back()} : std::nullopt;
  return true;
}

}  // namespace keyrack::persistence
