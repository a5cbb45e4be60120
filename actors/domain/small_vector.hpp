// A vector whose first N values lie in the object itself. There are millions of reservations in memory, nearly all of
// one item and one or two nights: without it each would cost two heap blocks more. Owns storage; refuses to know what.
#pragma once

#include "actors/domain/assert.hpp"

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <utility>

namespace keyrack {

/// Behaves as a std::vector of at most 2^32 - 1 values, except that moving it moves values that lie inside, and that a
/// copy has no spare room.
template <typename T, std::uint32_t N>
class small_vector {
public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using reference = T&;
  using const_reference = const T&;
  using iterator = T*;
  using const_iterator = const T*;

  small_vector() noexcept {}  // not defaulted: a const one is fine, its storage holds nothing yet
  explicit small_vector(std::size_t count, const T& value = T{}) { assign(count, value); }
  small_vector(std::initializer_list<T> values) : small_vector(values.begin(), values.end()) {}
  template <std::forward_iterator Iterator>
  small_vector(Iterator first, Iterator last) {
    reserve(static_cast<std::size_t>(std::distance(first, last)));
    for (; first != last; ++first) emplace_back(*first);
  }
  small_vector(const small_vector& other) : small_vector(other.begin(), other.end()) {}
  small_vector(small_vector&& other) noexcept { take_over(other); }
  small_vector& operator=(const small_vector& other) {
    if (this != &other) *this = small_vector(other);
    return *this;
  }
  small_vector& operator=(small_vector&& other) noexcept {
    if (this != &other) {
      release();
      take_over(other);
    }
    return *this;
  }
  ~small_vector() { release(); }

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  T* data() { return on_heap() ? heap() : reinterpret_cast<T*>(storage_); }
  const T* data() const { return on_heap() ? heap() : reinterpret_cast<const T*>(storage_); }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }

  T& operator[](std::size_t index) {
    KEYRACK_ASSERT(index < size_);
    return data()[index];
  }
  const T& operator[](std::size_t index) const {
    KEYRACK_ASSERT(index < size_);
    return data()[index];
  }
  T& front() { return (*this)[0]; }
  const T& front() const { return (*this)[0]; }
  T& back() { return (*this)[size_ - 1]; }
  const T& back() const { return (*this)[size_ - 1]; }

  void reserve(std::size_t count) {
    if (count > capacity_) move_to_heap(count);
  }
  template <typename... Arguments>
  T& emplace_back(Arguments&&... arguments) {
    if (size_ < capacity_) return append(std::forward<Arguments>(arguments)...);
    T value(std::forward<Arguments>(arguments)...);  // an argument may lie in what is about to move
    move_to_heap(std::max<std::size_t>(2 * std::size_t{capacity_}, 2));
    return append(std::move(value));
  }
  void push_back(const T& value) { emplace_back(value); }
  void push_back(T&& value) { emplace_back(std::move(value)); }
  void pop_back() {
    KEYRACK_ASSERT(size_ > 0);
    std::destroy_at(data() + --size_);
  }
  void clear() {
    std::destroy_n(data(), size_);
    size_ = 0;
  }
  void assign(std::size_t count, const T& value) {
    T kept = value;
    clear();
    reserve(count);
    while (size_ < count) append(kept);
  }
  void resize(std::size_t count) {
    while (size_ > count) pop_back();
    reserve(count);
    while (size_ < count) append();
  }

  friend bool operator==(const small_vector& a, const small_vector& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

private:
  static constexpr std::size_t storage_bytes = std::max(N * sizeof(T), sizeof(T*));

  bool on_heap() const { return capacity_ > N; }
  T* heap() const { return *std::launder(reinterpret_cast<T* const*>(storage_)); }

  template <typename... Arguments>
  T& append(Arguments&&... arguments) {
    T* place = std::construct_at(data() + size_, std::forward<Arguments>(arguments)...);
    ++size_;
    return *place;
  }

  void move_to_heap(std::size_t capacity) {
    KEYRACK_ASSERT(capacity <= std::numeric_limits<std::uint32_t>::max());
    T* block = std::allocator<T>{}.allocate(capacity);
    std::uninitialized_move_n(data(), size_, block);
    const std::uint32_t count = size_;
    release();
    ::new (static_cast<void*>(storage_)) T*(block);
    size_ = count;
    capacity_ = static_cast<std::uint32_t>(capacity);
  }

  // To the empty vector that default construction makes.
  void release() {
    std::destroy_n(data(), size_);
    if (on_heap()) std::allocator<T>{}.deallocate(heap(), capacity_);
    size_ = 0;
    capacity_ = N;
  }

  // REQUIRES: this one is empty and nothing of it is on the heap.
  void take_over(small_vector& other) noexcept {
    if (other.on_heap()) {
      ::new (static_cast<void*>(storage_)) T*(other.heap());
      size_ = std::exchange(other.size_, 0);
      capacity_ = std::exchange(other.capacity_, N);
      return;
    }
    std::uninitialized_move_n(other.data(), other.size_, reinterpret_cast<T*>(storage_));
    size_ = other.size_;
    other.clear();
  }

  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = N;
  alignas(std::max(alignof(T), alignof(T*))) std::byte storage_[storage_bytes];
};

}  // namespace keyrack
