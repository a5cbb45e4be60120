// A value that copies share until one of them is written to. The state of a hotel is copied for every snapshot, while the
// hotel goes on: what is large is kept in pages of this kind, so that the copy costs pointers and not values.
// Owns the sharing, also between threads; refuses to know the value.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace keyrack {

/// Two holders may be read, written, copied and destroyed by two threads; one holder by one thread at a time.
template <typename T>
class copy_on_write {
public:
  copy_on_write() : cell_(new cell) {}
  copy_on_write(const copy_on_write& other) : cell_(other.cell_) {
    cell_->holders.fetch_add(1, std::memory_order_relaxed);
  }
  copy_on_write(copy_on_write&& other) noexcept : cell_(std::exchange(other.cell_, nullptr)) {}
  copy_on_write& operator=(copy_on_write other) noexcept {
    std::swap(cell_, other.cell_);
    return *this;
  }
  ~copy_on_write() { release(); }

  const T& operator*() const { return cell_->value; }
  const T* operator->() const { return &cell_->value; }

  /// The value to write to: this holder's own from now on.
  T& own() {
    // Acquire: what other holders read of the value was read before they let it go.
    if (cell_->holders.load(std::memory_order_acquire) != 1) *this = copy_on_write(new cell{cell_->value});
    return cell_->value;
  }

private:
  struct cell {
    T value{};
    std::atomic<std::uint32_t> holders = 1;
  };
  explicit copy_on_write(cell* c) : cell_(c) {}

  void release() {
    if (cell_ != nullptr && cell_->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) delete cell_;
  }

  cell* cell_;  // null only when moved from
};

}  // namespace keyrack
