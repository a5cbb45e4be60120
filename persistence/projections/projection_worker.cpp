#include "persistence/projections/projection_worker.hpp"

#include "config/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace keyrack::persistence {
namespace {

using outcome = projection_step::outcome;

// Payloads of a batch: what one statement writes stays well under a second.
constexpr std::int64_t batch_bytes_max = 16 << 20;
constexpr int page_hotels = 500;
// Of the sequences that are kept in memory; past it they are read again.
constexpr std::size_t known_hotels_max = 1'000'000;

}  // namespace

projection_worker::projection_worker(database_settings database, projector_settings projector, std::int64_t incarnation)
    : database_(std::move(database)),
      projector_(projector),
      name_(application_name(incarnation, "projector")),
      commits_max_(projector.batch_commits_max) {}

journal_follower projection_worker::follower() { return {*connection_, database_.statement_timeout}; }
projection_tables projection_worker::tables() { return {*connection_, database_.statement_timeout}; }

projection_step projection_worker::step() {
  if (auto done = connect(); !done) return done.error();
  if (auto done = take_position(); !done) return done.error();
  const auto batch = follower().read_after(*position_, {.commits_max = commits_max_, .bytes_max = batch_bytes_max});
  if (!batch) return failed(batch.error()).error();
  std::size_t projected = 0;
  if (auto done = project(*batch, projected); !done) {
    done.error().commits = projected;
    return done.error();
  }
  commits_max_ = std::min(2 * commits_max_, projector_.batch_commits_max);
  return {.what = batch->full ? outcome::behind : outcome::caught_up, .commits = projected, .why = {}};
}

projection_worker::progress projection_worker::connect() {
  if (connection_ && connection_->usable()) return {};
  doubt_everything();
  auto made = pg_connection::connect(database_, name_,
                                     call_deadline::in("database.connect_timeout", database_.connect_timeout));
  if (!made) return failed(made.error());
  connection_ = std::move(*made);
  if (auto done = tables().commit_without_waiting(); !done) return failed(done.error());
  return {};
}

/// A connection is to one server for as long as it lives, so the lineage is asked for once in it.
projection_worker::progress projection_worker::take_position() {
  if (position_) return {};
  const auto lineage = follower().lineage();
  if (!lineage) return failed(lineage.error());
  auto position = tables().position();
  if (!position) return failed(position.error());
  position_ = std::move(*position);
  if (position_->lineage == *lineage) return {};
  if (!position_->lineage.empty()) return reconcile(*lineage);
  auto named = *position_;
  named.lineage = *lineage;
  return write(projection_fold{known_}, named);
}

projection_worker::progress projection_worker::project(const journal_batch& batch, std::size_t& projected) {
  if (batch.commits.empty()) return {};
  if (auto done = learn(batch); !done) return done;
  projection_fold fold{known_};
  auto to = *position_;
  std::optional<not_folded> stop;
  std::size_t taken = 0;
  for (const auto& c : batch.commits) {
    if (auto added = fold.add(c.hotel, c.first_seq, c.last_seq, c.payload); !added) {
      stop = std::move(added.error());
      break;
    }
    to = {.lineage = to.lineage, .xid = c.xid, .hotel = c.hotel, .first_seq = c.first_seq};
    ++taken;
  }
  if (taken > 0) {
    if (auto done = write(fold, to); !done) return done;
    projected = taken;
  }
  if (!stop) return {};
  if (stop->what == not_folded::reason::broken) return poisoned(std::move(stop->detail));
  // The rest of the batch is read again behind what the hotel's own commits bring.
  const auto& missing = batch.commits[taken];
  if (auto done = catch_up(missing.hotel); !done) return done;
  if (known_.at(missing.hotel) < missing.last_seq) return poisoned(stop->detail + ", and the journal has none between");
  return {};
}

projection_worker::progress projection_worker::learn(const journal_batch& batch) {
  if (known_.size() > known_hotels_max) known_.clear();
  std::vector<hotel_id> unknown;
  for (const auto& c : batch.commits) {
    if (!known_.contains(c.hotel)) unknown.push_back(c.hotel);
  }
  if (unknown.empty()) return {};
  std::ranges::sort(unknown);
  unknown.erase(std::ranges::unique(unknown).begin(), unknown.end());
  if (auto done = tables().add_known(unknown, known_); !done) return failed(done.error());
  return {};
}

projection_worker::progress projection_worker::write(const projection_fold& fold, const journal_position& to) {
  const auto moved = tables().write(fold, *position_, to);
  if (!moved) return failed(moved.error());
  if (!*moved) return lost_race();
  position_ = to;
  return {};
}

/// One hotel by its own commits, from where the projection stands with it. The position stays.
projection_worker::progress projection_worker::catch_up(hotel_id hotel) {
  for (bool more = true; more;) {
    const auto batch =
        follower().read_hotel(hotel, known_.at(hotel) + 1, {.commits_max = commits_max_, .bytes_max = batch_bytes_max});
    if (!batch) return failed(batch.error());
    projection_fold fold{known_};
    for (const auto& c : batch->commits) {
      if (auto added = fold.add(c.hotel, c.first_seq, c.last_seq, c.payload); !added)
        return poisoned(std::move(added.error().detail));
    }
    if (!fold.empty()) {
      if (auto done = write(fold, *position_); !done) return done;
    }
    more = batch->full && !fold.empty();
  }
  return {};
}

/// Another server's history, or an older one: transaction ids say nothing any more, each hotel's last sequence number does.
projection_worker::progress projection_worker::reconcile(const std::string& lineage) {
  log_warn("projection: the journal's lineage has changed, comparing every hotel",
           {{"from", position_->lineage}, {"to", lineage}});
  // Everything below is complete now; what comes at or above it is met again by the position, and known where it is.
  const auto horizon = follower().horizon();
  if (!horizon) return failed(horizon.error());
  if (auto done = drop_lost_tails(); !done) return done;
  std::optional<hotel_id> above;
  for (bool more = true; more;) {
    const auto hotels = follower().hotels_above(above, page_hotels);
    if (!hotels) return failed(hotels.error());
    const auto ends = tables().ends(*hotels);
    if (!ends) return failed(ends.error());
    for (const auto& e : *ends) {
      known_[e.hotel] = e.projected;
      if (e.journal == e.projected) continue;
      if (auto done = catch_up(e.hotel); !done) return done;
    }
    if (!hotels->empty()) above = hotels->back();
    more = hotels->size() == page_hotels;
  }
  return write(projection_fold{known_},
               {.lineage = lineage,
                .xid = *horizon - 1,
                .hotel = {static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())},
                .first_seq = 0});
}

/// Hotels of which the projection has seen more than this journal holds are projected anew, from their beginning.
projection_worker::progress projection_worker::drop_lost_tails() {
  std::optional<hotel_id> above;
  for (bool more = true; more;) {
    const auto hotels = tables().projected_above(above, page_hotels);
    if (!hotels) return failed(hotels.error());
    const auto ends = tables().ends(*hotels);
    if (!ends) return failed(ends.error());
    std::vector<hotel_id> ahead;
    for (const auto& e : *ends) {
      if (e.journal < e.projected) ahead.push_back(e.hotel);
    }
    if (!ahead.empty()) {
      log_warn("projection: hotels whose last commits this journal does not have", {{"hotels", ahead.size()}});
      const auto held = tables().forget(ahead, *position_);
      if (!held) return failed(held.error());
      if (!*held) return lost_race();
    }
    if (!hotels->empty()) above = hotels->back();
    more = hotels->size() == page_hotels;
  }
  return {};
}

std::expected<journal_lag, pg_error> projection_worker::lag() {
  if (!connection_ || !position_)
    return std::unexpected(pg_error{.kind = pg_failure::not_sent, .message = "not connected"});
  return follower().lag(*position_);
}

std::expected<std::uint64_t, pg_error> projection_worker::newest_in_journal() {
  if (!connection_) return std::unexpected(pg_error{.kind = pg_failure::not_sent, .message = "not connected"});
  return follower().newest();
}

std::unexpected<projection_step> projection_worker::failed(const pg_error& error) {
  // A batch that did not end in time is tried in halves.
  const bool too_slow = error.kind == pg_failure::in_doubt || error.sqlstate == "57014";
  if (too_slow) commits_max_ = std::max(1, commits_max_ / 2);
  doubt_everything();
  connection_.reset();
  return std::unexpected(projection_step{.what = outcome::failed, .commits = 0, .why = error.message});
}

std::unexpected<projection_step> projection_worker::poisoned(std::string why) {
  doubt_everything();
  return std::unexpected(projection_step{.what = outcome::poisoned, .commits = 0, .why = std::move(why)});
}

std::unexpected<projection_step> projection_worker::lost_race() {
  doubt_everything();
  return std::unexpected(
      projection_step{.what = outcome::lost_race, .commits = 0, .why = "moved by another projector"});
}

void projection_worker::doubt_everything() {
  position_.reset();
  known_.clear();
}

}  // namespace keyrack::persistence
