// Reads JSON bodies and collects all that is wrong with them, each fault with its JSON pointer. Owns parsing within bounds,
// types, ranges and texts; refuses to know which fields a resource has: its callers ask for them by name, and whatever
// they did not ask for is refused by name at the end.
#pragma once

#include "actors/domain/money.hpp"
#include "actors/domain/stay.hpp"
#include "gateway/problem.hpp"

#include <boost/json/fwd.hpp>

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack::gateway {

/// A parsed body. Small ones live in memory that is used again and again; so only one of them is alive at a time per thread
/// at full speed, further ones are slower but right.
class json_document {
public:
  /// Refuses what is not JSON, deeper than `depth_max`, has a field twice, or more than two million values.
  /// The error is a sentence for people.
  static std::expected<json_document, std::string> parse(std::string_view text, int depth_max);
  json_document(json_document&&) noexcept;
  ~json_document();
  const boost::json::value& root() const;

private:
  struct memory;
  explicit json_document(std::unique_ptr<memory, void (*)(memory*)> held);
  std::unique_ptr<memory, void (*)(memory*)> held_;
};

/// Appends a form of `value` that does not depend on white space and the order of fields. Fields of the outermost object
/// that are named in `without` (separated by spaces) are left out.
void append_canonical(std::string& to, const boost::json::value& value, std::string_view without);

/// Appends the value as JSON.
void append_json(std::string& to, const boost::json::value& value);

/// The text of a field of the outermost object, as it was sent. REQUIRES: `text` was parsed without error.
std::string_view raw_field(std::string_view text, std::string_view field);

/// Where a value stands, as a chain on the stack: the text is made only when something is wrong.
struct json_place {
  const json_place* within = nullptr;
  std::string_view field{};
  std::optional<std::size_t> index{};
  std::string pointer() const;
};

/// What is wrong with one body: all of it, up to a bound that no honest client reaches.
class fault_list {
public:
  void add(std::string pointer, std::string_view code, std::string detail);
  bool empty() const { return faults_.empty(); }
  const std::vector<fault>& all() const { return faults_; }

private:
  std::vector<fault> faults_;
};

enum class need : std::uint8_t { optional, required };

struct text_rule {
  std::size_t bytes_max = 200;
  bool may_be_empty = false;
  bool lines = false;  ///< line feeds and tabs are allowed
};
struct number_rule {
  std::int64_t least = 0;
  std::int64_t most = 0;
};

/// One object of a body. Ask for each field that it may have, then `finish`.
class object_reader {
public:
  object_reader(const boost::json::value& value, const json_place& place, fault_list& faults);

  // An absent field, or one with a fault, is the empty text, the fallback, or nothing.
  std::string text(std::string_view field, need n, text_rule rule);
  std::optional<std::int64_t> number(std::string_view field, need n, number_rule rule);
  std::optional<double> real(std::string_view field, need n, double least, double most);
  bool flag(std::string_view field, bool fallback);
  std::optional<date> day(std::string_view field, need n);
  std::optional<keyrack::currency> currency_code(std::string_view field, need n);
  /// `{"amount":"412.50","currency":"EUR"}`.
  std::optional<money> price(std::string_view field, need n);
  std::vector<std::string> texts(std::string_view field, std::size_t count_max, text_rule rule);

  /// The value itself, seen; null when absent (a fault when required).
  const boost::json::value* any(std::string_view field, need n);
  /// The array's elements through `each(value, place)`; a fault when it is not an array or has too many or too few.
  template <typename Each>
  void array(std::string_view field, need n, std::size_t least, std::size_t most, Each each);

  json_place place_of(std::string_view field) const { return {.within = &place_, .field = field}; }
  void add_fault(std::string_view field, std::string_view code, std::string detail);
  bool is_object() const { return object_ != nullptr; }
  bool has(std::string_view field) const;

  /// Refuses by name what was not asked for.
  void finish();

private:
  bool elements(std::string_view field, need n, std::size_t least, std::size_t most, const boost::json::value*& first,
                std::size_t& count);

  const boost::json::object* object_ = nullptr;
  const json_place& place_;
  fault_list& faults_;
  std::uint64_t seen_ = 0;  // by position: no honest body has more than 64 fields
};

/// Checks one text; adds the fault.
bool text_fits(std::string_view text, text_rule rule, const json_place& place, fault_list& faults);
/// Texts as array elements.
std::optional<std::string> read_text(const boost::json::value& value, text_rule rule, const json_place& place,
                                     fault_list& faults);

}  // namespace keyrack::gateway
