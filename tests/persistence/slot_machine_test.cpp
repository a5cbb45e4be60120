// Goal: the decisions about batches and doubts are right in every order of events; first as sentences, then by random
// histories against a journal that is written differently.
#include "persistence/slot_machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <set>

namespace keyrack::persistence {
namespace {

using namespace std::chrono_literals;
using step = slot_machine::step;

constexpr steady_instant start{1'000'000'000'000};

queued_commit commit_of(std::uint64_t hotel, std::uint64_t seq, std::uint64_t ticket, std::size_t bytes = 10) {
  keyrack::commit c;
  c.hotel = {hotel};
  c.events.resize(1);
  c.events[0].seq = seq;
  return {.what = std::make_shared<const keyrack::commit>(std::move(c)),
          .payload = std::string(bytes, 'x'),
          .ticket = ticket,
          .queued_at = start};
}

template <typename Step>
bool is(const step& s) {
  return std::holds_alternative<Step>(s);
}

slot_machine ready_machine(slot_limits limits = {}) {
  slot_machine m{limits, start};
  EXPECT_TRUE(is<slot_machine::connect>(m.next(start)));
  m.connected(start);
  EXPECT_TRUE(is<slot_machine::end_old>(m.next(start)));
  m.old_ended();
  EXPECT_TRUE(is<slot_machine::enlist>(m.next(start)));
  m.enlisted(true);
  return m;
}

/// Tickets of the append that is due; empty when it is not an append.
std::vector<std::uint64_t> append_of(slot_machine& m, steady_instant now = start) {
  const auto s = m.next(now);
  std::vector<std::uint64_t> tickets;
  if (const auto* a = std::get_if<slot_machine::append>(&s)) {
    for (const auto& c : a->what) tickets.push_back(c.ticket);
  }
  return tickets;
}

std::map<std::uint64_t, append_result> verdicts(slot_machine& m) {
  std::map<std::uint64_t, append_result> all;
  for (const auto& v : m.take_verdicts()) EXPECT_TRUE(all.emplace(v.ticket, v.result).second) << "answered twice";
  return all;
}

using results = std::map<std::uint64_t, append_result>;
using tickets = std::vector<std::uint64_t>;

TEST(SlotMachine, TakesAllThatIsQueuedIntoOneAppend) {
  auto m = ready_machine();
  EXPECT_TRUE(is<slot_machine::rest>(m.next(start)));
  for (std::uint64_t i = 0; i < 5; ++i) m.take(commit_of(i, 1, i));
  EXPECT_EQ(append_of(m), (tickets{0, 1, 2, 3, 4}));
  m.appended({true, true, false, true, true});
  EXPECT_EQ(verdicts(m)[2], append_result::conflict);
  EXPECT_FALSE(m.has_work());
}

TEST(SlotMachine, BoundsABatchInCommitsAndBytesButSendsALargeOneAlone) {
  auto m = ready_machine({.batch_commits = 2, .batch_bytes = 100});
  m.take(commit_of(1, 1, 1));
  m.take(commit_of(2, 1, 2));
  m.take(commit_of(3, 1, 3, 95));
  m.take(commit_of(4, 1, 4));
  m.take(commit_of(5, 1, 5, 1'000));
  for (const auto& expected : {tickets{1, 2}, tickets{3}, tickets{4}, tickets{5}}) {
    EXPECT_EQ(append_of(m), expected);
    m.appended(std::vector<bool>(expected.size(), true));
  }
}

TEST(SlotMachine, KeepsTwoCommitsOfAHotelInTheirOrderAndApart) {
  auto m = ready_machine();
  m.take(commit_of(1, 1, 1));
  m.take(commit_of(1, 2, 2));
  m.take(commit_of(2, 1, 3));
  EXPECT_EQ(append_of(m), (tickets{1, 3}));
  m.appended({true, true});
  EXPECT_EQ(append_of(m), (tickets{2}));
}

TEST(SlotMachine, RefusesWhatIsOverTheQueuesBound) {
  slot_machine m{{.queue_commits = 2}, start};
  for (std::uint64_t i = 1; i <= 3; ++i) m.take(commit_of(i, 1, i));
  EXPECT_EQ(verdicts(m), (results{{3, append_result::refused}}));
}

// The order is the point: the old backend is gone, and a commit has come back clean, before anything is looked at.
TEST(SlotMachine, ResolvesADoubtInOrder) {
  auto m = ready_machine();
  for (std::uint64_t i = 1; i <= 3; ++i) m.take(commit_of(i, 1, i));
  EXPECT_EQ(append_of(m).size(), 3U);
  m.lost(start);
  EXPECT_FALSE(m.settled());
  EXPECT_TRUE(is<slot_machine::connect>(m.next(start)));  // at once
  m.connected(start);
  EXPECT_TRUE(is<slot_machine::end_old>(m.next(start)));
  m.old_remains(start);
  EXPECT_TRUE(is<slot_machine::pause>(m.next(start)));
  EXPECT_TRUE(is<slot_machine::end_old>(m.next(start + 20ms)));
  m.old_ended();
  EXPECT_TRUE(is<slot_machine::enlist>(m.next(start + 20ms)));
  m.enlisted(true);
  EXPECT_TRUE(is<slot_machine::look>(m.next(start + 20ms)));
  EXPECT_TRUE(verdicts(m).empty());
  m.looked(std::vector{found_commit::mine, found_commit::foreign, found_commit::absent});
  EXPECT_EQ(verdicts(m), (results{{1, append_result::applied}, {2, append_result::conflict}}));
  EXPECT_EQ(append_of(m), tickets{3});
}

TEST(SlotMachine, BeginsAllOverWhenTheConnectionIsLostWhileItResolves) {
  auto m = ready_machine();
  m.take(commit_of(1, 1, 1));
  append_of(m);
  auto now = start;
  m.lost(now);
  for (int stage = 0; stage < 4; ++stage) {
    now = now + 1s;
    EXPECT_TRUE(is<slot_machine::connect>(m.next(now)));
    if (stage > 0) {
      m.connected(now);
      EXPECT_TRUE(is<slot_machine::end_old>(m.next(now)));
    }
    if (stage > 1) {
      m.old_ended();
      EXPECT_TRUE(is<slot_machine::enlist>(m.next(now)));
    }
    if (stage > 2) {
      m.enlisted(true);
      EXPECT_TRUE(is<slot_machine::look>(m.next(now)));
    }
    m.lost(now);
    EXPECT_TRUE(verdicts(m).empty());
  }
}

TEST(SlotMachine, WaitsLongerWithEachFailureAndNeverLongerThanItsBound) {
  slot_machine m{{.doubt_deadline = 1h, .reconnect_min = 10ms, .reconnect_max = 50ms}, start};
  std::vector<std::chrono::milliseconds> waits;
  auto now = start;
  for (int i = 0; i < 6; ++i) {
    auto s = m.next(now);
    if (const auto* p = std::get_if<slot_machine::pause>(&s)) {
      waits.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(p->until - now));
      now = p->until;
      s = m.next(now);
    }
    EXPECT_TRUE(is<slot_machine::connect>(s));
    m.lost(now);
  }
  EXPECT_THAT(waits, ::testing::ElementsAre(10ms, 20ms, 40ms, 50ms));
}

TEST(SlotMachine, AnswersUnknownAndRefusedPastTheDeadlineAndWorksAgainAfterwards) {
  auto m = ready_machine({.doubt_deadline = 10s});
  m.take(commit_of(1, 1, 1));
  append_of(m);
  m.take(commit_of(2, 1, 2));
  m.lost(start);
  m.next(start + 9s);
  EXPECT_TRUE(verdicts(m).empty());
  m.next(start + 10s);
  EXPECT_EQ(verdicts(m), (results{{1, append_result::unknown}, {2, append_result::refused}}));
  m.take(commit_of(3, 1, 3));
  EXPECT_EQ(verdicts(m), (results{{3, append_result::refused}}));
  EXPECT_FALSE(m.settled());

  m.connected(start + 11s);
  m.old_ended();
  m.enlisted(true);
  m.take(commit_of(4, 1, 4));
  EXPECT_EQ(append_of(m, start + 11s), tickets{4});
}

TEST(SlotMachine, AnswersFencedForAllWhenAnAppendFindsItselfFenced) {
  auto m = ready_machine();
  m.take(commit_of(1, 1, 1));
  append_of(m);
  m.take(commit_of(2, 1, 2));
  m.append_fenced();
  m.take(commit_of(3, 1, 3));
  EXPECT_EQ(verdicts(m), (results{{1, append_result::fenced}, {2, append_result::fenced}, {3, append_result::fenced}}));
  EXPECT_TRUE(is<slot_machine::rest>(m.next(start)));
  EXPECT_TRUE(m.settled());
}

TEST(SlotMachine, StillLooksAtADoubtWhenItFindsItselfFenced) {
  auto m = ready_machine();
  m.take(commit_of(1, 1, 1));
  m.take(commit_of(2, 1, 2));
  append_of(m);
  m.lost(start);
  m.connected(start);
  m.old_ended();
  m.enlisted(false);
  EXPECT_TRUE(is<slot_machine::look>(m.next(start)));
  m.looked(std::vector{found_commit::mine, found_commit::absent});
  EXPECT_EQ(verdicts(m), (results{{1, append_result::applied}, {2, append_result::fenced}}));
  EXPECT_TRUE(m.fenced());
}

TEST(SlotMachine, SendsWhatWasNotSentAgainWithoutADoubt) {
  auto m = ready_machine();
  m.take(commit_of(1, 1, 1));
  append_of(m);
  m.append_not_sent(start);
  EXPECT_EQ(m.in_doubt(), 0U);
  m.connected(start);
  m.old_ended();
  m.enlisted(true);
  EXPECT_EQ(append_of(m), tickets{1});
}

TEST(SlotMachine, FindsThePoisonedCommitByHalves) {
  auto m = ready_machine();
  for (std::uint64_t i = 0; i < 64; ++i) m.take(commit_of(i, 1, i));
  int statements = 0;
  for (auto batch = append_of(m); !batch.empty(); batch = append_of(m)) {
    ++statements;
    if (std::ranges::count(batch, 37U) > 0) {
      m.append_refused("22021");
    } else {
      m.appended(std::vector<bool>(batch.size(), true));
    }
  }
  const auto all = verdicts(m);
  ASSERT_EQ(all.size(), 64U);
  for (const auto& [ticket, result] : all) {
    EXPECT_EQ(result, ticket == 37 ? append_result::refused : append_result::applied);
  }
  EXPECT_LE(statements, 13);
}

TEST(SlotMachine, TriesOnceMoreWhatWasRefusedForNoFaultOfTheCommits) {
  auto m = ready_machine();
  m.take(commit_of(1, 1, 1));
  m.take(commit_of(2, 1, 2));
  EXPECT_EQ(append_of(m), (tickets{1, 2}));
  m.append_refused("53100");  // disk full
  EXPECT_EQ(append_of(m), (tickets{1, 2}));
  m.append_refused("53100");
  EXPECT_EQ(verdicts(m), (results{{1, append_result::refused}, {2, append_result::refused}}));
}

TEST(SlotMachine, RefusesACommitThatEndedInDoubtTooOften) {
  auto m = ready_machine({.doubts_per_commit = 2});
  m.take(commit_of(1, 1, 1));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(append_of(m), tickets{1});
    m.lost(start);
    m.connected(start);
    m.old_ended();
    m.enlisted(true);
    m.next(start);
    m.looked(std::vector{found_commit::absent});
  }
  EXPECT_EQ(verdicts(m), (results{{1, append_result::refused}}));
}

/// A server that keeps what it is sent, loses answers, and lets backends finish late, until they are ended.
class random_world {
public:
  explicit random_world(std::uint64_t seed) : random_(seed) {}

  void run() {
    for (int i = 0; i < 400; ++i) one_step();
    down_ = false;
    healing_ = true;
    for (int i = 0; i < 400; ++i) one_step();
    for (const auto& v : machine_.take_verdicts()) check(v);
    EXPECT_EQ(answered_.size(), sent_) << "somebody was never answered";
    EXPECT_FALSE(machine_.has_work());
  }

private:
  struct row {
    std::uint64_t hotel;
    std::uint64_t ticket;
    std::int64_t writer;
  };

  bool chance(int percent) { return !healing_ && std::uniform_int_distribution{1, 100}(random_) <= percent; }

  void one_step() {
    now_ = now_ + std::chrono::milliseconds{std::uniform_int_distribution{0, 400}(random_)};
    if (chance(30)) {
      ++sent_;
      machine_.take(commit_of(sent_, 1, sent_));
    }
    if (chance(4)) down_ = !down_;
    if (!fenced_ && chance(1) && chance(20)) fence();
    if (chance(5)) journal_.emplace(sent_ + 1, row{.hotel = sent_ + 1, .ticket = 0, .writer = 999});
    if (late_ && chance(20)) finish_late();
    const auto next = machine_.next(now_);
    std::visit([this](const auto& s) { carry_out(s); }, next);
    for (const auto& v : machine_.take_verdicts()) check(v);
  }

  // A fence waits for the append in flight: the late one ends first, one way or the other.
  void fence() {
    if (late_ && chance(50)) finish_late();
    late_.reset();
    fenced_ = true;
  }
  void finish_late() {
    apply(*late_);
    late_.reset();
  }
  std::vector<bool> apply(const std::vector<std::uint64_t>& batch) {
    std::vector<bool> inserted;
    for (const auto ticket : batch) {
      inserted.push_back(journal_.emplace(ticket, row{.hotel = ticket, .ticket = ticket, .writer = 1}).second);
    }
    return inserted;
  }

  void carry_out(const slot_machine::rest&) {}
  void carry_out(const slot_machine::pause& p) { EXPECT_GT(p.until, now_); }
  void carry_out(const slot_machine::connect&) {
    lose_or([this] { machine_.connected(now_); });
  }
  void carry_out(const slot_machine::end_old&) {
    lose_or([this] {
      if (late_ && chance(30)) return machine_.old_remains(now_);
      if (late_ && chance(30)) finish_late();
      late_.reset();
      machine_.old_ended();
    });
  }
  void carry_out(const slot_machine::enlist&) {
    EXPECT_FALSE(late_) << "enlisted while an old backend may still write";
    lose_or([this] { machine_.enlisted(!fenced_); });
  }
  void carry_out(const slot_machine::look& s) {
    EXPECT_FALSE(late_);
    std::vector<found_commit> found;
    for (const auto& c : s.at) {
      const auto there = journal_.find(c.ticket);
      found.push_back(there == journal_.end()     ? found_commit::absent
                      : there->second.writer == 1 ? found_commit::mine
                                                  : found_commit::foreign);
    }
    lose_or([&] { machine_.looked(found); });
  }
  void carry_out(const slot_machine::append& s) {
    std::vector<std::uint64_t> batch;
    for (const auto& c : s.what) batch.push_back(c.ticket);
    if (down_ && chance(30)) return machine_.append_not_sent(now_);
    if (down_ || chance(10)) {
      if (!fenced_ && !down_ && chance(60)) late_ = batch;  // the server goes on with it
      return machine_.lost(now_);
    }
    if (fenced_) return machine_.append_fenced();
    if (chance(3)) return machine_.append_refused(chance(50) ? "22021" : "53100");
    const auto inserted = apply(batch);
    if (chance(15)) return machine_.lost(now_);  // applied, and the answer was lost
    machine_.appended(inserted);
  }
  template <typename Then>
  void lose_or(Then then) {
    if (down_ || chance(10)) return machine_.lost(now_);
    then();
  }

  void check(const append_verdict& v) {
    EXPECT_TRUE(answered_.insert(v.ticket).second) << "answered twice";
    const auto there = journal_.find(v.ticket);
    const bool mine = there != journal_.end() && there->second.writer == 1;
    switch (v.result) {
    case append_result::applied: EXPECT_TRUE(mine); break;
    case append_result::unknown: break;
    default:
      EXPECT_FALSE(mine);
      EXPECT_FALSE(late_ && std::ranges::count(*late_, v.ticket) > 0) << "said not applied, and may yet be";
    }
  }

  std::mt19937_64 random_;
  slot_machine machine_{{.batch_commits = 8, .doubt_deadline = 6s, .reconnect_min = 10ms, .reconnect_max = 200ms},
                        start};
  steady_instant now_ = start;
  std::map<std::uint64_t, row> journal_;
  std::optional<std::vector<std::uint64_t>> late_;
  std::set<std::uint64_t> answered_;
  std::uint64_t sent_ = 0;
  bool down_ = false;
  bool fenced_ = false;
  bool healing_ = false;
};

TEST(SlotMachine, SaysTheTruthInRandomHistories) {
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_world{seed}.run();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace keyrack::persistence
