#include "gateway/compression.hpp"

#include "actors/domain/assert.hpp"

#include <zlib.h>

#include <algorithm>
#include <string_view>

namespace keyrack::gateway {
namespace {

constexpr std::size_t piece_bytes = 128 * 1024;  // some milliseconds at level 1
constexpr int gzip_window = 15 + 16;             // zlib's way to say gzip

struct next_turn {
  const std::function<void(std::coroutine_handle<>)>& later;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiting) const { later(waiting); }
  void await_resume() const {}
};

class deflater {
public:
  deflater() { KEYRACK_ASSERT(deflateInit2(&stream_, 1, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) == Z_OK); }
  deflater(const deflater&) = delete;
  ~deflater() { deflateEnd(&stream_); }

  void take(std::string_view piece, bool last, std::string& out) {
    // zlib does not write through this pointer; its interface is older than const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    do {
      const auto had = out.size();
      out.resize(had + piece_bytes);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + had);
      stream_.avail_out = piece_bytes;
      deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
      out.resize(had + piece_bytes - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

private:
  z_stream stream_{};
};

void mark_tag(std::string& fields) {
  constexpr std::string_view start = "ETag: \"";
  const auto tag = fields.find(start);
  if (tag != std::string::npos) fields.insert(fields.find('"', tag + start.size()), "-gzip");
}

}  // namespace

task<> compress(reply& answer, bool wanted, const std::function<void(std::coroutine_handle<>)>& later) {
  answer.field("Vary", "Accept-Encoding");
  if (!wanted || answer.no_body) co_return;
  deflater gzip;
  std::string out;
  for (std::size_t from = 0; from < answer.body.size(); from += piece_bytes) {
    if (from > 0) co_await next_turn{later};
    const auto piece = std::string_view{answer.body}.substr(from, piece_bytes);
    gzip.take(piece, from + piece.size() == answer.body.size(), out);
  }
  answer.body = std::move(out);
  answer.field("Content-Encoding", "gzip");
  mark_tag(answer.fields);
}

}  // namespace keyrack::gateway
