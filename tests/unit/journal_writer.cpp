// Writes a story into a journal until it is killed, and says what is durable:
//
//     kvmesh_journal_writer STATE_DIR SEED always|everysec
//
// Each time that more is durable, 8 bytes go to standard output: how many operations, in the
// machine's order. Beforehand, the same of what was found. Ends with status 1 and a text on
// standard error when the journal cannot be opened or fails, with 2 when it holds anything wrong.
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "journal_fixture.h"

namespace kvmesh::test {
namespace {

void tell(std::uint64_t count) {
  if (::write(STDOUT_FILENO, &count, sizeof count) != sizeof count) std::_Exit(3);
}

int write_story(const journal::Options& options, std::uint64_t seed) {
  std::atomic<journal::Journal*> opened{nullptr};
  std::uint64_t before = 0;
  OpenJournal journal{options, [&] {
                        if (auto* it = opened.load()) tell(before + it->durable());
                      }};
  if (!journal.ok()) {
    std::fprintf(stderr, "%s\n", journal.status().text().c_str());
    return 1;
  }
  JournalStory story{seed};
  before = journal.revision();
  while (story.count() < before) story.advance();
  if (story.model() != journal.model()) return 2;
  tell(before);
  opened = &*journal;
  std::mt19937_64 random{std::random_device{}()};
  while (!journal->failure()) {
    for (auto together = random() % 50; together > 0; --together) {
      if (!journal.append(story).ok()) return 1;
    }
    if (random() % 2 == 0) journal.wait();
  }
  return 1;
}

}  // namespace
}  // namespace kvmesh::test

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  kvmesh::journal::Options options;
  options.state_dir = argv[1];
  options.node = "foo";
  options.memtable_bytes = std::size_t{256} << 10;  // so that it is killed in flushes, too
  if (std::string{argv[3]} == "everysec") {
    options.durability = kvmesh::journal::Durability::kEverySecond;
  }
  return kvmesh::test::write_story(options, std::strtoull(argv[2], nullptr, 10));
}
