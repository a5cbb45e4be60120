// A writer of the fence tests, as a process of its own, so that it can be frozen and killed: the product's registration, heartbeat
// and journal, without hotels. It does what standard input says, and tells on standard output, a line each, what it may
// acknowledge. Decides nothing, and refuses to know what stands between it and PostgreSQL.
//
//   in:   append HOTEL | recover HOTEL | fence INCARNATION | hold | go | count
//   out:  ready INCARNATION | verdict HOTEL SEQ RESULT | about HOTEL SEQ | recovered HOTEL SEQ | unreadable HOTEL WHY
//         fenced INCARNATION | again INCARNATION WHY | lost WHY | counted COMMITS-FENCED FENCES
#include "config/metrics.hpp"
#include "persistence/cluster_rows.hpp"
#include "persistence/heartbeat.hpp"
#include "persistence/journal.hpp"
#include "tests/support/fake_journal.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <iostream>
#include <sstream>
#include <thread>

namespace keyrack::testing {
namespace {

using namespace std::chrono_literals;

constexpr auto between_fences = 10ms;  // as a coordinator that looks again

void say(const std::string& what) {
  const auto line = what + "\n";
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(1);  // nobody listens any more
}

settings settings_for(const std::string& url, const std::string& name, std::chrono::milliseconds append_timeout) {
  settings s;
  s.node.name = name;
  s.database = {
      .url = secret{url}, .url_file = {}, .connect_timeout = 1s, .statement_timeout = 2s, .lock_timeout = 50ms};
  s.journal.readers = 1;
  s.journal.append_timeout = append_timeout;
  s.journal.doubt_deadline = 60s;  // so that no answer is `unknown` by mere lack of time
  s.journal.reconnect_min = 10ms;
  s.journal.reconnect_max = 100ms;
  s.heartbeat.period = 100ms;
  return s;
}

event next_event(std::uint64_t seq, std::int64_t writer) {
  const auto at = [](std::uint64_t n) {
    return instant{std::chrono::microseconds{1'795'000'000'000'000 + static_cast<std::int64_t>(n) * 1'000}};
  };
  hotel_profile profile;
  profile.name = "Hotel " + std::to_string(seq);
  profile.city = "Basel";
  profile.country = "CH";
  profile.time_zone = "Europe/Zurich";
  profile.currency = {{'C', 'H', 'F'}};
  event e{.seq = seq, .at = at(seq), .by = fmt::format("writer {}", writer)};
  if (seq == 1) {
    e.body = hotel_created{.profile = profile};
  } else {
    e.body = hotel_updated{.profile = profile, .created_at = at(1)};
  }
  return e;
}

/// What the hotels know, and the door through which acknowledgements leave.
class desk {
public:
  std::uint64_t end_of(std::uint64_t hotel) {
    const std::scoped_lock lock{mutex_};
    return ends_[hotel];
  }
  void decided(std::uint64_t hotel, const append_done& done) {
    std::unique_lock lock{mutex_};
    if (done.result == append_result::applied) {
      if (holding_) say(fmt::format("about {} {}", hotel, done.first_seq));
      changed_.wait(lock, [this] { return !holding_; });
      ends_[hotel] = done.first_seq;
    }
    say(fmt::format("verdict {} {} {}", hotel, done.first_seq, to_text(done.result)));
  }
  void loaded(std::uint64_t hotel, const hotel_loaded& found) {
    const std::scoped_lock lock{mutex_};
    if (!found.state) return say(fmt::format("unreadable {} {}", hotel, found.why));
    ends_[hotel] = found.state->seq;
    say(fmt::format("recovered {} {}", hotel, found.state->seq));
  }
  void hold(bool holding) {
    const std::scoped_lock lock{mutex_};
    holding_ = holding;
    changed_.notify_all();
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, std::uint64_t> ends_;
  bool holding_ = false;
};

caf::behavior hotel(caf::event_based_actor*, desk* of, std::uint64_t id) {
  return {
      [of, id](const append_done& m) { of->decided(id, m); },
      [of, id](const hotel_loaded& m) { of->loaded(id, m); },
  };
}

class writer {
public:
  writer(const settings& s, persistence::registration& place, const std::shared_ptr<persistence::slot_board>& board)
      : settings_(s),
        me_(place.incarnation),
        lineage_(place.lineage),
        beats_(place, {.database = s.database,
                       .settings = s.heartbeat,
                       .board = board,
                       .counters = counters_.heartbeat,
                       .on_fenced = [this](std::string_view why) { lost(why); }}),
        journal_(persistence::spawn_journal(
            system_, std::make_shared<const persistence::journal_environment>(persistence::journal_environment{
                         .database = s.database,
                         .journal = s.journal,
                         .incarnation = me_,
                         .lineage = lineage_,
                         .board = board,
                         .counters = counters_.journal,
                         .on_fenced = [this](std::string_view why) { lost(why); },
                     }))) {}

  bool begin() {
    if (auto beating = beats_.start(); !beating) return false;
    say(fmt::format("ready {}", me_));
    return true;
  }

  void obey(const std::string& line) {
    std::istringstream words{line};
    std::string verb;
    std::uint64_t number = 0;
    words >> verb >> number;
    if (verb == "append") {
      auto what = std::make_shared<commit>();
      what->hotel = {number};
      what->events.push_back(next_event(desk_.end_of(number) + 1, me_));
      caf::send_as(hotel_of(number), journal_.slot_of({number}), append_commit{std::move(what)});
    } else if (verb == "recover") {
      caf::send_as(hotel_of(number), journal_.reader_of({number}), load_hotel{{number}});
    } else if (verb == "fence") {
      std::thread{[this, number] { fence(static_cast<std::int64_t>(number)); }}.detach();
    } else if (verb == "hold" || verb == "go") {
      desk_.hold(verb == "hold");
    } else if (verb == "count") {
      say(fmt::format("counted {}", counters_.journal.commits.of({"fenced"}).value()));
    }
  }

private:
  const caf::actor& hotel_of(std::uint64_t id) {
    auto& known = hotels_[id];
    if (!known) known = system_.spawn(hotel, &desk_, id);
    return known;
  }

  /// As a coordinator does it: again and again, until it is certain.
  void fence(std::int64_t who) {
    const auto store = persistence::make_cluster_store(settings_, me_, lineage_);
    for (;;) {
      const auto done = store->fence(who, "test");
      if (done) return say(fmt::format("fenced {}", who));
      say(fmt::format("again {} {}", who, done.error()));
      std::this_thread::sleep_for(between_fences);
    }
  }

  void lost(std::string_view why) {
    if (!told_.exchange(true)) say(fmt::format("lost {}", why));
  }

  const settings settings_;
  const std::int64_t me_;
  const persistence::server_lineage lineage_;
  metrics counters_;
  desk desk_;
  std::atomic<bool> told_{false};
  actor_config config_;
  caf::actor_system system_{config_};
  persistence::heartbeat beats_;
  journal_handles journal_;
  std::map<std::uint64_t, caf::actor> hotels_;
};

}  // namespace
}  // namespace keyrack::testing

int main(int argc, char** argv) {
  using namespace keyrack;
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // also when it is frozen as its test dies
  std::signal(SIGPIPE, SIG_IGN);
  if (argc != 4) {
    std::cerr << "fence_writer URL NAME APPEND-TIMEOUT-MS\n";
    return 2;
  }
  const auto s = testing::settings_for(argv[1], argv[2], std::chrono::milliseconds{std::stoi(argv[3])});
  auto place = persistence::register_node(s, "test", {.actor = "127.0.0.1:1", .http = "http://127.0.0.1:1"});
  if (!place) {
    std::cerr << place.error() << '\n';
    return 1;
  }
  testing::writer w{s, *place, std::make_shared<persistence::slot_board>(s.journal.slots)};
  if (!w.begin()) return 1;
  for (std::string line; std::getline(std::cin, line);) w.obey(line);
  std::_Exit(0);  // threads of fences may wait for ever
}
