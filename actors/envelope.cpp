#include "actors/envelope.hpp"

namespace keyrack {

std::string_view to_text(append_result result) {
  switch (result) {
  case append_result::applied: return "applied";
  case append_result::fenced: return "fenced";
  case append_result::conflict: return "conflict";
  case append_result::refused: return "refused";
  case append_result::unknown: return "unknown";
  }
  return "unknown";
}

}  // namespace keyrack
