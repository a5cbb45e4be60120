// gzip for large answers. Owns the coding and its marks in the head; yields between pieces, so that one large answer does
// not hold up all small ones.
#pragma once

#include "gateway/reply.hpp"
#include "gateway/task.hpp"

#include <coroutine>
#include <functional>

namespace keyrack::gateway {

/// Compresses the body when the client takes it so, and says in any case that it depends on what the client takes. The entity
/// tag gets `-gzip` behind it: another coding is another representation.
task<> compress(reply& answer, bool wanted, const std::function<void(std::coroutine_handle<>)>& later);

}  // namespace keyrack::gateway
