// What a journal slot does next: the decisions of architecture §5 about batches, lost answers and fences. Pure: it is told
// what happened and when, and names the next step; a shell (or a simulation) carries the step out. Refuses to know
// connections, SQL, threads and actors.
//
//            connected           old_ended             enlisted                 looked
//   ┌──────┐          ┌────────┐           ┌───────────┐          ┌─────────┐           ┌───────┐ append ──┐
//   │ away │─────────►│ ending │──────────►│ enlisting │─────────►│ looking │──────────►│ ready │          │
//   └──────┘          └────────┘           └───────────┘          └─────────┘           └───────┘◄─────────┘
//      ▲                  │ lost                 │ lost      no doubt: │ straight to ready   │ lost: the batch is in doubt
//      └──────────────────┴──────────────────────┴─────────────────────┴─────────────────────┘
//   Enlisted as fenced: looking is the last step, then all is answered `fenced`; so does an append that finds no `me`.
//   While it is not ready for longer than the doubt deadline, what is in doubt is answered `unknown`, what was never sent
//   (or is known to be absent) `refused`, and so is what comes then, at once.
#pragma once

#include "actors/envelope.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace keyrack::persistence {

struct slot_limits {
  std::size_t batch_commits = 1'024;
  std::size_t batch_bytes = 4'194'304;
  std::size_t queue_commits = 32'768;  ///< waiting, the batch under way not counted
  int doubts_per_commit = 3;           ///< then it is refused: perhaps it is what breaks the connection
  std::chrono::nanoseconds doubt_deadline = std::chrono::seconds{15};
  std::chrono::nanoseconds reconnect_min = std::chrono::milliseconds{50};  ///< doubles with each failure
  std::chrono::nanoseconds reconnect_max = std::chrono::seconds{1};
};

/// A commit that waits, with its bytes, and by whose request (the shell's number).
struct queued_commit {
  commit_ptr what;
  std::string payload;
  std::uint64_t ticket = 0;
  steady_instant queued_at;
  int found_absent = 0;  ///< how often it was in doubt and then not there
};

/// What stands in the journal where a commit in doubt would be.
enum class found_commit : std::uint8_t { absent, mine, foreign };

struct append_verdict {
  std::uint64_t ticket = 0;
  std::uint64_t first_seq = 0;
  append_result result{};
};

class slot_machine {
public:
  explicit slot_machine(slot_limits limits, steady_instant now) : limits_(limits), away_since_(now) {}

  // The steps. Each is answered by one of the calls named with it, or by `lost`.
  struct rest {};  ///< nothing to do before the next `take`
  struct pause {
    steady_instant until;
  };  ///< ask again then
  struct connect {};  ///< `connected`
  struct end_old {};  ///< end the backends of this slot's earlier connections: `old_ended` or `old_remains`
  struct enlist {};   ///< write the slot's own row, synchronously and cleanly: `enlisted`
  struct look {
    std::span<const queued_commit> at;
  };  ///< `looked`
  struct append {
    std::span<const queued_commit> what;
  };  ///< one statement: `appended`, `append_fenced`, `append_refused` or `append_not_sent`
  using step = std::variant<rest, pause, connect, end_old, enlist, look, append>;

  /// At most one commit of a hotel is in a batch; order within a hotel is kept.
  void take(queued_commit c);

  step next(steady_instant now);

  void connected(steady_instant now);
  /// Anything but a clean answer of the step under way. An append is in doubt from now on.
  void lost(steady_instant now);
  void old_ended();
  void old_remains(steady_instant now);
  /// `may_write` false: this slot is fenced (or finds itself at another server): what is in doubt is looked at once more.
  void enlisted(bool may_write);
  /// Parallel to the step's `at`.
  void looked(std::span<const found_commit> found);
  /// Parallel to the step's `what`: whether its row was inserted; if not, somebody else's stands there.
  void appended(const std::vector<bool>& inserted);
  void append_fenced();
  /// The server refused the statement, so nothing of it was applied. What a value of one commit may have caused is found
  /// by halves, so that neighbours wait for few statements; anything else is tried once more as it is.
  void append_refused(std::string_view sqlstate);
  /// The connection was gone before anything was sent: no doubt.
  void append_not_sent(steady_instant now);

  /// Ends everything, when the slot itself ends: in doubt `unknown`, the rest `refused`.
  void give_up();

  /// Answers that are due, in the order they came about.
  std::vector<append_verdict> take_verdicts();

  bool may_write() const { return may_write_; }
  bool ready() const { return state_ == state::ready; }
  bool fenced() const { return state_ == state::fenced; }
  /// Commits may be in the journal and it is not known: nothing of this slot may be loaded or answered meanwhile.
  bool settled() const { return ready() || fenced(); }
  std::size_t in_doubt() const { return doubtful_.size(); }
  std::size_t waiting() const { return queue_.size(); }
  bool has_work() const { return !queue_.empty() || !batch_.commits.empty() || !again_.empty() || !doubtful_.empty(); }

private:
  enum class state : std::uint8_t { away, ending, enlisting, looking, ready, fenced };
  struct batch {
    std::vector<queued_commit> commits;
    bool tried = false;
  };

  void answer(const queued_commit& c, append_result result);
  void answer_all(std::vector<queued_commit>& commits, append_result result);
  void go_away(steady_instant now);
  void become_ready();
  void become_fenced();
  void answer_certain(append_result result);
  void expire(steady_instant now);
  bool fill_batch();

  const slot_limits limits_;
  state state_ = state::away;
  bool may_write_ = true;
  bool given_up_ = false;  // the doubt deadline has passed and the database is not back yet
  steady_instant away_since_;
  steady_instant retry_at_{};
  int failures_ = 0;

  std::deque<queued_commit> queue_;      // never sent
  batch batch_;                          // under way
  std::deque<batch> again_;              // known not to be in the journal; goes before the queue
  std::vector<queued_commit> doubtful_;  // sent, and nobody knows
  std::vector<append_verdict> verdicts_;
};

}  // namespace keyrack::persistence
