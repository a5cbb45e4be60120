// The first seeds of the corpora: a hotel's commits, and its snapshots at several ages. make_seeds tests/fuzz/corpus
#include "persistence/codec.hpp"
#include "tests/persistence/codec/history.hpp"

#include <filesystem>
#include <fstream>
#include <string>

using namespace keyrack;

namespace {

void write(const std::filesystem::path& file, std::string_view bytes) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream{file, std::ios::binary} << bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path corpus{argv[1]};
  testing::history h{{1}, 7};
  write(corpus / "snapshot" / "new", persistence::encode_snapshot(h.hotel));
  h.live(40);
  write(corpus / "snapshot" / "young", persistence::encode_snapshot(h.hotel));

  // A commit's numbers begin with 1 here, and so do its reservations' versions: one seed per kind of event, where it fits.
  write(corpus / "commit" / "first", "\x04" + persistence::encode_commit(testing::commit_of(h, 0, 4)));
  write(corpus / "commit" / "life", std::string(1, '\x20') + persistence::encode_commit(testing::commit_of(h, 0, 32)));
  write(corpus / "commit" / "one", "\x01" + persistence::encode_commit(testing::commit_of(h, 0, 1)));
  h.live(400);
  write(corpus / "snapshot" / "old", persistence::encode_snapshot(h.hotel));
}
