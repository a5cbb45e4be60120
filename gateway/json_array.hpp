// Elements of arrays for object_reader: apart, because it needs Boost.JSON's own header, which is dear.
#pragma once

#include "actors/domain/limits.hpp"
#include "gateway/json_reader.hpp"

#include <boost/json/value.hpp>

namespace keyrack::gateway {

template <typename Each>
void object_reader::array(std::string_view field, need n, std::size_t least, std::size_t most, Each each) {
  const boost::json::value* first = nullptr;
  std::size_t count = 0;
  if (!elements(field, n, least, most, first, count)) return;
  const auto whole = place_of(field);
  for (std::size_t i = 0; i < count; ++i) each(first[i], json_place{.within = &whole, .index = i});
}

}  // namespace keyrack::gateway
