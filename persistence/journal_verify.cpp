// The way through the journal: hotel by hotel, commit by commit. What events mean is hotel_model's, what stands beside the
// journal is journal_verify_rows'.
#include "persistence/journal_verify.hpp"

#include "actors/domain/hotel/evolve.hpp"
#include "persistence/codec.hpp"
#include "persistence/journal_verify_model.hpp"
#include "persistence/projections/journal_verify_rows.hpp"

#include <fmt/format.h>

#include <array>

namespace keyrack::persistence {
namespace {

constexpr std::chrono::milliseconds patience{60'000};  // of one statement: nobody waits for an answer here
constexpr std::size_t guests_at_once = 5'000;
constexpr int hotels_at_once = 500;

using progress_call = std::function<void(const journal_report&)>;
using done_or_error = std::expected<void, pg_error>;

call_deadline soon() { return call_deadline::in("the verification's patience", patience); }

/// One hotel, from its first commit to its last.
class hotel_audit {
public:
  hotel_audit(pg_connection& c, writer_fences& writers, hotel_id hotel, journal_report& report)
      : connection_(c),
        writers_(writers),
        hotel_(hotel),
        report_(report),
        findings_(report),
        model_(hotel, findings_),
        order_(hotel, findings_) {
    replay_.id = hotel;
  }

  done_or_error run(const progress_call& progress) {
    // First: the journal that is read after it has all that the snapshot is of.
    auto snapshot = read_snapshot(connection_, hotel_, soon());
    if (!snapshot) return std::unexpected(snapshot.error());
    snapshot_ = std::move(*snapshot);
    if (auto done = read_commits(progress); !done) return done;
    if (snapshot_.seq > last_seq_)
      findings_.add(broken_rule::snapshot_differs, hotel_, snapshot_.seq,
                    fmt::format("the journal ends at {}", last_seq_));
    ++report_.hotels;
    report_.reservations += model_.reservations().size();
    if (broken_off_ || !model_.intact()) return {};  // nobody knows what should be there
    const auto compared = check_projection(connection_, hotel_, model_, last_seq_, findings_, patience);
    if (!compared) return std::unexpected(compared.error());
    report_.projected += *compared;
    return {};
  }

private:
  done_or_error read_commits(const progress_call& progress) {
    journal_follower journal{connection_, patience};
    std::uint64_t behind = 0;
    for (bool more = true; more;) {
      const auto batch = journal.read_hotel_behind(hotel_, behind, {});
      if (!batch) return std::unexpected(batch.error());
      for (const auto& c : batch->commits) {
        if (auto done = know(c.writer); !done) return done;
        take(c);
        behind = c.first_seq;
      }
      more = batch->full;
      if (auto done = look_for_guests(!more); !done) return done;
      if (more && progress) progress(report_);
    }
    return {};
  }

  /// A writer may have come while this runs.
  done_or_error know(std::uint64_t writer) {
    if (writers_.contains(writer)) return {};
    auto all = read_writers(connection_, soon());
    if (!all) return std::unexpected(all.error());
    writers_ = std::move(*all);
    return {};
  }

  void take(const journal_commit& c) {
    ++report_.commits;
    order_.see(c, writers_);
    if (c.first_seq <= last_seq_) {
      // What overlaps is passed over, so that the rest can still be looked at.
      findings_.add(broken_rule::fork, hotel_, c.first_seq,
                    fmt::format("there are events up to {} already", last_seq_));
      return;
    }
    if (c.first_seq > last_seq_ + 1) {
      findings_.add(broken_rule::gap, hotel_, c.first_seq, fmt::format("the commit before it ends at {}", last_seq_));
      broken_off_ = true;
    }
    last_seq_ = c.last_seq;
    auto events = decode_commit(c.payload, c.first_seq, c.last_seq);
    if (!events) {
      findings_.add(broken_rule::unreadable, hotel_, c.first_seq, events.error());
      broken_off_ = true;
      return;
    }
    report_.events += events->size();
    for (const auto& e : *events) replay(e);
  }

  void replay(const event& e) {
    if (broken_off_ || !model_.intact()) return;
    model_.see(e);
    // The model stands before evolve, which aborts where a hotel did what none can do.
    if (!model_.replayable() || replay_.seq >= snapshot_.seq) return;
    evolve(replay_, e);
    if (replay_.seq != snapshot_.seq) return;
    ++report_.snapshots;
    if (encode_snapshot(replay_) != snapshot_.payload)
      findings_.add(broken_rule::snapshot_differs, hotel_, snapshot_.seq, "a replay gives other bytes");
    replay_ = {};
    replay_.seq = snapshot_.seq;  // it has served
  }

  done_or_error look_for_guests(bool at_end) {
    guests_.merge(model_.take_new_guests());
    if (guests_.empty() || (!at_end && guests_.size() < guests_at_once)) return {};
    report_.guests += guests_.size();
    return check_guests(connection_, hotel_, std::exchange(guests_, {}), findings_, soon());
  }

  pg_connection& connection_;
  writer_fences& writers_;
  hotel_id hotel_;
  journal_report& report_;
  finding_sink findings_;
  hotel_model model_;
  writer_order order_;
  std::set<guest_id> guests_;
  stored_snapshot snapshot_;
  hotel_state replay_;  // by evolve, as far as the snapshot
  std::uint64_t last_seq_ = 0;
  bool broken_off_ = false;  // events are missing: the model cannot go on
};

class journal_audit {
public:
  journal_audit(pg_connection& c, const progress_call& progress) : connection_(c), progress_(progress) {}

  done_or_error run(std::optional<hotel_id> only) {
    auto writers = read_writers(connection_, soon());
    if (!writers) return std::unexpected(writers.error());
    writers_ = std::move(*writers);
    if (only) return one(*only);
    if (auto done = all(); !done) return done;
    return all_without_commits();
  }
  journal_report report;

private:
  done_or_error one(hotel_id hotel) {
    auto done = hotel_audit{connection_, writers_, hotel, report}.run(progress_);
    if (done && progress_) progress_(report);
    return done;
  }

  done_or_error all() {
    journal_follower journal{connection_, patience};
    std::optional<hotel_id> above;
    for (;;) {
      const auto hotels = journal.hotels_above(above, hotels_at_once);
      if (!hotels) return std::unexpected(hotels.error());
      for (const auto hotel : *hotels) {
        if (auto done = one(hotel); !done) return done;
      }
      if (hotels->size() < hotels_at_once) return {};
      above = hotels->back();
    }
  }

  done_or_error all_without_commits() {
    hotel_id above;
    for (;;) {
      const auto hotels = hotels_without_commits(connection_, above, hotels_at_once, soon());
      if (!hotels) return std::unexpected(hotels.error());
      for (const auto hotel : *hotels) {
        if (auto done = one(hotel); !done) return done;
      }
      if (hotels->size() < hotels_at_once) return {};
      above = hotels->back();
    }
  }

  pg_connection& connection_;
  const progress_call& progress_;
  writer_fences writers_;
};

}  // namespace

std::string_view to_text(broken_rule rule) {
  static constexpr std::array<std::string_view, 13> names = {"unreadable",
                                                             "gap",
                                                             "fork",
                                                             "time_goes_back",
                                                             "two_writers",
                                                             "written_after_fence",
                                                             "illegal_event",
                                                             "oversold",
                                                             "key_answered_twice",
                                                             "room_given_twice",
                                                             "snapshot_differs",
                                                             "guest_missing",
                                                             "projection_differs"};
  return names[static_cast<std::size_t>(rule)];
}

std::expected<journal_report, std::string> verify_journal(const database_settings& database,
                                                          std::optional<hotel_id> only, const progress_call& progress) {
  auto connection = pg_connection::connect(database, application_name(0, "journal-verify"),
                                           call_deadline::in("database.connect_timeout", database.connect_timeout));
  if (!connection) return std::unexpected(connection.error().message);
  journal_audit audit{*connection, progress};
  if (auto done = audit.run(only); !done) return std::unexpected(done.error().message);
  if (only && audit.report.commits == 0 && audit.report.findings.empty())
    return std::unexpected(fmt::format("the journal has no hotel {}", keyrack::to_text(*only)));
  return std::move(audit.report);
}

}  // namespace keyrack::persistence
