// Keys of all kinds, whose order is decided early, late, by their size or by when they were
// written.
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "journal_fixture.h"

namespace kvmesh::test {
namespace {

using journal::Change;

class JournalMemtable : public JournalTest {
 protected:
  void append(journal::Journal& journal, const Change& change, std::uint64_t revision) {
    auto room =
        journal.reserve(journal::staged_bytes(change.name.size(), change.record.value.size()));
    ASSERT_TRUE(room.ok()) << room.status().text();
    journal.append(*room, {&change, 1}, revision);
  }
};

TEST_F(JournalMemtable, TheLastWriteOfEachKeyIsThereInTheOrderOfKeys) {
  std::mt19937_64 random{51};
  // Around 22 bytes of a key, with the number of its bucket and a mark, are 31.
  const auto random_key = [&random] {
    const auto size = random() % 3 == 0 ? random() % 60 : 18 + random() % 8;
    std::string key(size, '\0');
    const auto same = random() % (size + 1);
    for (auto i = same; i < size; ++i) key[i] = "\0\x01\x7f\x80\xff"[random() % 5];
    return key;
  };
  JournalModel model;
  {
    auto small = options();
    small.memtable_bytes = std::size_t{256} << 10;
    OpenJournal journal{small};
    ASSERT_TRUE(journal.ok()) << journal.status().text();
    for (const journal::BucketId bucket : {1, 2, 255, 256}) {
      append(*journal, Change::of_bucket(bucket, "b", "m"), 0);
      model.buckets[bucket] = {"b", "m", {}, {}};
    }
    for (std::uint64_t i = 1; i <= 20000; ++i) {
      auto it = model.buckets.begin();
      std::advance(it, random() % model.buckets.size());
      const auto key = random_key();
      if (random() % 4 == 0) {
        append(*journal, Change::erase(it->first, key), i);
        it->second.keys.erase(key);
        continue;
      }
      const auto value = std::to_string(i);
      append(*journal, Change::put(it->first, key, {value, i, 0}), i);
      it->second.keys[key] = {value, i, 0};
    }
  }
  OpenJournal journal{options()};
  ASSERT_TRUE(journal.ok()) << journal.status().text();
  EXPECT_EQ(journal.model(), model);
  EXPECT_GT(journal->recovered().keys, 1000U);
}

}  // namespace
}  // namespace kvmesh::test
