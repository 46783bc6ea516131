// How records and entries stand on the disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "node/journal/layout.h"
#include "node/journal/marker.h"
#include "node/journal/record_format.h"

namespace kvmesh::journal {
namespace {

using testing::HasSubstr;
using std::string_literals::operator""s;

std::string encoded(const Record& record) {
  std::string bytes(encoded_bytes(record), '?');
  EXPECT_EQ(encode(record, bytes.data()), bytes.data() + bytes.size());
  return bytes;
}

TEST(JournalRecord, HasTheDocumentedBytes) {
  EXPECT_EQ(encoded({"v", 0x0102030405060708, 0}), "\x01\x01\x02\x03\x04\x05\x06\x07\x08v");
  EXPECT_EQ(encoded({"", 1, 0x1122}), "\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\x11\x22"s);
}

TEST(JournalRecord, ComesBackAsItWas) {
  const std::string all_bytes = "\0\x01\xff line\r\n"s;
  for (const auto& value : {std::string{}, all_bytes, std::string(100000, 'x')}) {
    for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
      const Record record{value, number, number};
      const auto bytes = encoded(record);
      const auto decoded = decode_record(bytes);
      ASSERT_TRUE(decoded.ok()) << decoded.status().text();
      EXPECT_EQ(*decoded, record);
    }
  }
}

TEST(JournalRecord, OfAnUnknownFormatIsRefused) {
  for (int format = 0; format < 256; ++format) {
    if (format == 1 || format == 2) continue;
    const auto bytes = std::string(1, static_cast<char>(format)) + std::string(30, 'x');
    EXPECT_THAT(decode_record(bytes).status().text(),
                HasSubstr(" " + std::to_string(format) + ","));
  }
}

TEST(JournalRecord, ThatIsCutOffIsRefused) {
  const auto bytes = encoded({"", 1, 2});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_record(bytes.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(decode_record("\x02" + std::string(16, '\0')).ok()) << "expires, at no time";
}

TEST(JournalLayout, ChangesAreStagedAsOperationsOfRocksDb) {
  const std::string id = "\0\0\0\0\0\0\0\x07"s;
  const std::vector<Change> changes{
      Change::of_bucket(7, "b", "meta"), Change::put(7, "k", {"v", 1, 0}), Change::erase(7, ""),
      Change::note(7, "n", "c"),         Change::forget_note(7, "n"),      Change::drop(7)};
  std::string bytes;
  for (const auto& change : changes) {
    std::string one(encoded_bytes(change), '?');
    EXPECT_EQ(encode(change, one.data()), one.data() + one.size());
    EXPECT_LE(one.size(), staged_bytes(change.name.size(), change.record.value.size()));
    bytes += one;
  }
  std::string_view left = bytes;
  const auto expect = [&left](StagedOp::Kind kind, const std::string& key,
                              const std::string& value) {
    const auto op = next_op(left);
    EXPECT_EQ(op.kind, kind);
    EXPECT_EQ(op.key, key);
    EXPECT_EQ(op.value, value);
  };
  expect(StagedOp::Kind::kPut, id,
         "\x01\0\0\0\x01"
         "bmeta"s);
  expect(StagedOp::Kind::kPut, id + "\0k"s, "\x01\0\0\0\0\0\0\0\x01v"s);
  expect(StagedOp::Kind::kDelete, id + "\0"s, "");
  expect(StagedOp::Kind::kPut, id + "\x01n",
         "\x01"
         "c");
  expect(StagedOp::Kind::kDelete, id + "\x01n", "");
  expect(StagedOp::Kind::kDeleteBucket, id, "");
  EXPECT_TRUE(left.empty());
}

TEST(JournalLayout, KeysThatNobodyWroteAreNoKeys) {
  EXPECT_FALSE(decode_key(""));
  EXPECT_FALSE(decode_key("1234567"));
  EXPECT_FALSE(decode_key(std::string(8, '\0') + "\0k"s)) << "bucket 0";
  EXPECT_FALSE(decode_key("\0\0\0\0\0\0\0\x07\x02k"s)) << "neither record nor note";
  EXPECT_EQ(decode_key(group_key())->kind, StoredKey::Kind::kGroup);
}

TEST(JournalLayout, EntriesOfUnknownFormatsAreRefused) {
  EXPECT_THAT(decode_bucket("\x02\0\0\0\x01"
                            "b"s)
                  .status()
                  .text(),
              HasSubstr("format 2"));
  EXPECT_THAT(decode_bucket("\x01\0\0\0\x09"
                            "b"s)
                  .status()
                  .text(),
              HasSubstr("cut off"));
  EXPECT_THAT(decode_bucket("").status().text(), HasSubstr("empty"));
  EXPECT_THAT(decode_note("\x09").status().text(), HasSubstr("format 9"));
  EXPECT_THAT(decode_group("\x03").status().text(), HasSubstr("format 3"));
  const auto group = decode_group(encode(GroupRecord{1, 2, 3}));
  ASSERT_TRUE(group.ok());
  EXPECT_EQ(group->number, 1U);
  EXPECT_EQ(group->revision, 2U);
  EXPECT_EQ(group->bucket, 3U);
}

TEST(JournalMarker, TheHigherWholeSlotCounts) {
  const auto low = Marker::content({4, 40});
  const auto high = Marker::content({5, 50});
  EXPECT_EQ(Marker::read(low), (Durable{4, 40}));
  EXPECT_EQ(Marker::read(low.substr(0, 4096) + high.substr(4096)), (Durable{5, 50}));
  EXPECT_EQ(Marker::read(high.substr(0, 4096) + low.substr(4096)), (Durable{5, 50}));
  EXPECT_EQ(Marker::read(""), std::nullopt);
  for (std::size_t at = 0; at < 32; ++at) {
    auto torn = high.substr(0, 4096) + low.substr(4096);
    torn[at] = static_cast<char>(torn[at] ^ 0x10);
    EXPECT_EQ(Marker::read(torn), (Durable{4, 40})) << at;
    torn[4096 + at] = static_cast<char>(torn[4096 + at] ^ 0x10);
    EXPECT_EQ(Marker::read(torn), std::nullopt) << at;
  }
}

}  // namespace
}  // namespace kvmesh::journal
