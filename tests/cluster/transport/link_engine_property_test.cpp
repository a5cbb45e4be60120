// Goal: every request is answered once, and truly, whatever breaks between two nodes and in whatever order.
#include "engine_pair.hpp"

#include <rapidcheck/gtest.h>

#include <map>
#include <set>

namespace keyrack::cluster {
namespace {

// Whatever breaks, sleeps or changes: each request ends once; not applied is true; and in the end the nodes are linked.
RC_GTEST_FIXTURE_PROP(LinkEngine, EveryRequestEndsOnceWhateverHappens, (const std::vector<std::uint8_t>& script)) {
  begin();
  std::map<int, int> ends;
  std::set<int> said_not_applied;
  std::set<int> seen;
  int asked = 0;
  const auto note_requests = [&] {
    for (const auto& each : b.out.requests) seen.insert(std::stoi(each.bytes));
  };
  for (const auto each_step : script) {
    const auto what = each_step % 12;
    if (what < 4) {
      const int number = asked++;
      a.engine.send(
          2, std::to_string(number), now + std::chrono::milliseconds{*rc::gen::inRange(1, 40)},
          [&, number](const transport::answer& x) {
            ++ends[number];
            if (!x && x.error().outcome == outcome::not_applied) said_not_applied.insert(number);
          },
          a.out);
    } else if (what < 6) {
      flow();
      note_requests();
    } else if (what == 6 && !b.out.requests.empty()) {
      note_requests();
      const auto last = std::move(b.out.requests.back());
      b.out.requests.pop_back();
      b.engine.answer(last.connection, last.id, "yes", b.out);
    } else if (what == 7 && !wires.empty()) {
      const auto broken = wires.back();
      wires.pop_back();
      a.engine.broken(broken.at_a, "cut", now, a.out);
      b.engine.broken(broken.at_b, "cut", now, b.out);
    } else if (what == 8) {
      for (const auto& dial : std::exchange(a.out.dials, {})) {
        a.engine.dial_failed(dial.ticket, link_state::refused, "", now, a.out);
      }
    } else if (what == 9) {
      a.engine.use_incarnation(*rc::gen::element<std::int64_t>(0, 1, 5), now, a.out);
    } else if (what == 10) {
      b.engine.use_incarnation(*rc::gen::element<std::int64_t>(0, 2, 2, 2, 7), now, b.out);
    } else {
      connect();
      pass(std::chrono::milliseconds{*rc::gen::inRange(0, 15)});
      tick();
    }
    finish();
  }
  a.engine.use_incarnation(1, now, a.out);
  b.engine.use_incarnation(2, now, b.out);
  for (int i = 0; i < 100; ++i) {
    connect();
    flow();
    note_requests();
    pass(5ms);
    tick();
  }
  for (int i = 0; i < asked; ++i) RC_ASSERT(ends[i] == 1);
  for (const int each : said_not_applied) RC_ASSERT(!seen.contains(each));
  RC_ASSERT(shown() == link_state::linked);
}

}  // namespace
}  // namespace keyrack::cluster
