// Parsing within bounds, the canonical form, and the text of one field. Reading with rules is in json_reader.cpp.
#include "gateway/json_reader.hpp"
#include "gateway/json_writer.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_stack.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>

namespace keyrack::gateway {
namespace {

namespace json = boost::json;

// 100,000 rooms of three values each, and as much again. Bounds the memory that a body can grow into.
constexpr std::size_t values_max = 2'000'000;
// A reservation takes some 2 kB of it.
constexpr std::size_t scratch_bytes = std::size_t{32} * 1024;

struct scratch {
  std::array<unsigned char, scratch_bytes> tree;
  std::array<unsigned char, scratch_bytes / 4> stack;
  bool in_use = false;
};
thread_local scratch scratch_of_thread;

/// Builds the tree and counts: objects drop the earlier one of two fields with one name, which only the count can tell.
struct tree_builder {
  static constexpr std::size_t max_object_size = values_max;
  static constexpr std::size_t max_array_size = values_max;
  static constexpr std::size_t max_key_size = 1'000'000;
  static constexpr std::size_t max_string_size = 10'000'000;
  using error_code = json::error_code;
  using text = json::string_view;

  explicit tree_builder(json::storage_ptr sp)
      : stack(json::storage_ptr{}, scratch_of_thread.stack.data(), scratch_of_thread.stack.size()) {
    stack.reset(std::move(sp));
  }

  bool count(error_code& ec) {
    if (++values <= values_max) return true;
    ec = json::error::array_too_large;
    return false;
  }
  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_object_end(std::size_t n, error_code& ec) {
    stack.push_object(n);
    fields += n;
    return count(ec);
  }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t n, error_code& ec) {
    stack.push_array(n);
    return count(ec);
  }
  bool on_key_part(text s, std::size_t, error_code&) {
    stack.push_chars(s);
    return true;
  }
  bool on_key(text s, std::size_t, error_code&) {
    stack.push_key(s);
    return true;
  }
  bool on_string_part(text s, std::size_t, error_code&) {
    stack.push_chars(s);
    return true;
  }
  bool on_string(text s, std::size_t, error_code& ec) {
    stack.push_string(s);
    return count(ec);
  }
  bool on_number_part(text, error_code&) { return true; }
  bool on_int64(std::int64_t i, text, error_code& ec) {
    stack.push_int64(i);
    return count(ec);
  }
  bool on_uint64(std::uint64_t u, text, error_code& ec) {
    stack.push_uint64(u);
    return count(ec);
  }
  bool on_double(double near, text s, error_code& ec) {
    // Boost.JSON is off by a bit now and then, and more with each time that a number is written and read again.
    double d = 0;
    if (std::from_chars(s.data(), s.data() + s.size(), d).ec != std::errc{}) d = near;
    if (!std::isfinite(d)) {
      ec = json::error::exponent_overflow;
      return false;
    }
    stack.push_double(d);
    return count(ec);
  }
  bool on_bool(bool b, error_code& ec) {
    stack.push_bool(b);
    return count(ec);
  }
  bool on_null(error_code& ec) {
    stack.push_null();
    return count(ec);
  }
  bool on_comment_part(text, error_code&) { return true; }
  bool on_comment(text, error_code&) { return true; }

  json::value_stack stack;
  std::size_t values = 0;
  std::size_t fields = 0;
};

std::size_t fields_of(const json::value& value) {
  std::size_t n = 0;
  if (const auto* object = value.if_object()) {
    n = object->size();
    for (const auto& member : *object) n += fields_of(member.value());
  } else if (const auto* array = value.if_array()) {
    for (const auto& element : *array) n += fields_of(element);
  }
  return n;
}

std::string sentence_of(const json::error_code& ec, std::size_t at) {
  if (ec == json::error::too_deep) return "The body is nested too deeply.";
  if (ec == json::error::array_too_large) return "The body has too many values.";
  return fmt::format("Not JSON at byte {}: {}.", at, ec.message());
}

bool is_left_out(std::string_view name, std::string_view without) {
  for (auto at = without.find(name); at != std::string_view::npos; at = without.find(name, at + 1)) {
    const auto end = at + name.size();
    if ((at == 0 || without[at - 1] == ' ') && (end == without.size() || without[end] == ' ')) return true;
  }
  return false;
}

void append_sized(std::string& to, char kind, std::string_view text) {
  to += kind;
  to += fmt::format_int(text.size()).c_str();
  to += ':';
  to += text;
}

void append_object(std::string& to, const json::object& object, std::string_view without) {
  std::vector<const json::key_value_pair*> members;
  members.reserve(object.size());
  for (const auto& member : object) {
    if (!is_left_out({member.key().data(), member.key().size()}, without)) members.push_back(&member);
  }
  std::ranges::sort(members, {}, [](const auto* m) { return std::string_view{m->key().data(), m->key().size()}; });
  to += '{';
  for (const auto* member : members) {
    append_sized(to, 'k', {member->key().data(), member->key().size()});
    append_canonical(to, member->value(), "");
  }
  to += '}';
}

void write_value(json_writer& out, const json::value& value) {
  switch (value.kind()) {
  case json::kind::null: out.null(); return;
  case json::kind::bool_: out.value(value.get_bool()); return;
  case json::kind::int64: out.value(value.get_int64()); return;
  case json::kind::uint64: out.value(value.get_uint64()); return;
  case json::kind::double_: out.value(value.get_double()); return;
  case json::kind::string: out.value(std::string_view{value.get_string().data(), value.get_string().size()}); return;
  case json::kind::array:
    out.begin_array();
    for (const auto& element : value.get_array()) write_value(out, element);
    out.end_array();
    return;
  case json::kind::object: break;
  }
  out.begin_object();
  for (const auto& member : value.get_object()) {
    // The client's names need escaping, ours do not: a name is a text here.
    out.escaped_name({member.key().data(), member.key().size()});
    write_value(out, member.value());
  }
  out.end_object();
}

}  // namespace

struct json_document::memory {
  json::monotonic_resource arena{};
  json::value root;
  bool of_thread = false;
};

std::expected<json_document, std::string> json_document::parse(std::string_view text, int depth_max) {
  const bool of_thread = !scratch_of_thread.in_use;
  auto* held =
      of_thread ? new memory{.arena{scratch_of_thread.tree.data(), scratch_of_thread.tree.size()}} : new memory{};
  held->of_thread = of_thread;
  json_document made{{held, [](memory* ended) {
                        if (ended->of_thread) scratch_of_thread.in_use = false;
                        delete ended;
                      }}};
  scratch_of_thread.in_use = true;

  json::basic_parser<tree_builder> parser{{.max_depth = static_cast<std::size_t>(depth_max)}, &held->arena};
  json::error_code ec;
  const auto taken = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && taken < text.size()) ec = json::error::extra_data;
  if (ec) return std::unexpected(sentence_of(ec, taken));
  // The value must move within its arena: an assignment to a value of another memory would copy.
  std::destroy_at(&held->root);
  std::construct_at(&held->root, parser.handler().stack.release());
  if (fields_of(held->root) != parser.handler().fields) return std::unexpected("An object has two fields of one name.");
  return std::expected<json_document, std::string>{std::in_place, std::move(made)};
}

json_document::json_document(std::unique_ptr<memory, void (*)(memory*)> held) : held_(std::move(held)) {}
json_document::json_document(json_document&&) noexcept = default;
json_document::~json_document() = default;
const json::value& json_document::root() const { return held_->root; }

void append_canonical(std::string& to, const json::value& value, std::string_view without) {
  switch (value.kind()) {
  case json::kind::null: to += 'n'; return;
  case json::kind::bool_: to += value.get_bool() ? 't' : 'f'; return;
  case json::kind::int64: to += fmt::format("i{};", value.get_int64()); return;
  case json::kind::uint64: to += fmt::format("i{};", value.get_uint64()); return;
  case json::kind::double_: to += fmt::format("d{:x};", std::bit_cast<std::uint64_t>(value.get_double())); return;
  case json::kind::string: append_sized(to, 's', {value.get_string().data(), value.get_string().size()}); return;
  case json::kind::array:
    to += '[';
    for (const auto& element : value.get_array()) append_canonical(to, element, "");
    to += ']';
    return;
  case json::kind::object: append_object(to, value.get_object(), without); return;
  }
}

void append_json(std::string& to, const json::value& value) {
  json_writer out{to};
  write_value(out, value);
}

std::string_view raw_field(std::string_view text, std::string_view field) {
  // The text is JSON: only strings and nesting need to be followed.
  int depth = 0;
  std::size_t value_from = std::string_view::npos;
  std::string_view last_string;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      const auto from = i + 1;
      for (++i; text[i] != '"'; ++i) {
        if (text[i] == '\\') ++i;
      }
      if (depth == 1 && value_from == std::string_view::npos) last_string = text.substr(from, i - from);
    } else if (c == ':' && depth == 1 && value_from == std::string_view::npos) {
      if (last_string == field) value_from = i + 1;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']' || (c == ',' && depth == 1)) {
      if (depth == 1 && value_from != std::string_view::npos) {
        const auto raw = text.substr(value_from, i - value_from);
        const auto first = raw.find_first_not_of(" \t\r\n");
        return raw.substr(first, raw.find_last_not_of(" \t\r\n") - first + 1);
      }
      if (c != ',') --depth;
    }
  }
  return {};
}

}  // namespace keyrack::gateway
