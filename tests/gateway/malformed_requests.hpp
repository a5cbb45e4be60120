// The table of malformed requests: what is sent, and the status, code and faults that it must be refused with. Used twice:
// without a socket (malformed_test.cpp) and through a real server (live/malformed_wire_test.cpp).
#pragma once

#include <string>
#include <vector>

namespace keyrack::testing {

struct malformed {
  std::string method;
  std::string target;
  std::string body;
  unsigned status;
  std::string code;
  std::string errors = "";  ///< `pointer:code` of each, separated by spaces
  std::string fields = "";  ///< of the head, whole lines

  /// What tells it from the others.
  std::string text() const { return method + " " + target + "\n" + fields + "\n" + body; }
};

class malformed_requests {
public:
  void add(std::vector<malformed> more) { all_.insert(all_.end(), more.begin(), more.end()); }
  const std::vector<malformed>& all() const { return all_; }

private:
  std::vector<malformed> all_;
};

void methods_paths_and_types(malformed_requests& to);
void json_texts(malformed_requests& to);
void keys_and_preconditions(malformed_requests& to);
void queries_and_cursors(malformed_requests& to);
void hotels(malformed_requests& to);
void room_types_and_rooms(malformed_requests& to);
void calendar_changes(malformed_requests& to);
void reservations(malformed_requests& to);
void clusters(malformed_requests& to);

/// All of the above.
malformed_requests all_malformed_requests();

}  // namespace keyrack::testing
