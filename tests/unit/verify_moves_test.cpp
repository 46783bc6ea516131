// What has to move when tables change: how it is counted, and how it is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/command/verify/moves.h"
#include "client/command/verify/texts.h"

namespace kvmesh::command {
namespace {

verify::NameSet bytes_of(const std::vector<ByteRange>& ranges) {
  verify::NameSet out;
  for (const auto range : ranges) out.insert(range);
  return out;
}

// A node that answers with pages of `page_size` names.
class FakeReader final : public BucketReader {
 public:
  Result<Names> buckets(const std::string& after) override {
    asked.push_back(after);
    if (pages_left-- == 0) return gone;
    if (lie) return *lie;
    Names page;
    for (auto at = keys.upper_bound(after); at != keys.end(); ++at) {
      if (page.names.size() == page_size) {
        page.more = true;
        break;
      }
      page.names.push_back(at->first);
    }
    return page;
  }
  std::vector<Result<std::uint64_t>> counts(std::span<const std::string> buckets) override {
    std::vector<Result<std::uint64_t>> out;
    for (const auto& bucket : buckets) {
      counted += bucket + " ";
      const auto fault = faults.find(bucket);
      out.push_back(fault != faults.end() ? Result<std::uint64_t>{fault->second}
                                          : Result<std::uint64_t>{keys.at(bucket)});
    }
    return out;
  }

  const Status gone{StatusCode::kUnavailable, "gone"};
  std::map<std::string, std::uint64_t> keys;  // of each bucket
  std::map<std::string, Status> faults;       // of counts
  std::size_t page_size = 100;
  int pages_left = std::numeric_limits<int>::max();  // until listing fails
  std::optional<Names> lie;                          // instead of a page
  std::vector<std::string> asked;
  std::string counted;
};

// "bar@h 2/5 unavailable, ;" for each change.
std::string text_of(const Moves& moves) {
  std::string out;
  for (const auto& change : moves.of_changes) {
    for (const auto& move : change) {
      out += move.from + " " + std::to_string(move.buckets) + "/" + std::to_string(move.keys) +
             (move.status.ok() ? "" : " " + std::string{to_string(move.status.code())}) + ", ";
    }
    out += ";";
  }
  return out;
}

class MoveCounts : public testing::Test {
 protected:
  MoveCounts() {
    difference_.changes = {{bytes_of({{'c', 'd'}, {'x', 'z'}}), {"bar@h"}, {"baz@h"}},
                           {bytes_of({{'f', 'f'}}), {"bar@h"}, {"foo@h"}}};
    reader_.keys = {{"a", 1}, {"b\xff", 1}, {"c", 2}, {"cc", 3}, {"d", 4},
                    {"e", 1}, {"f1", 5},    {"g", 1}, {"y", 6},  {"{", 1}};
  }
  std::string count() {
    MoveCounter counter{difference_};
    for (const auto& [node, bytes] : counter.losses()) counter.count(node, bytes, reader_);
    return text_of(counter.take());
  }

  verify::Difference difference_;
  FakeReader reader_;
};

TEST_F(MoveCounts, OnlyWhatBeginsWithALostByteCounts) {
  EXPECT_EQ(count(), "bar@h 4/15, ;bar@h 1/5, ;");
  EXPECT_EQ(reader_.counted, "c cc d f1 y ");
}

TEST_F(MoveCounts, HoweverLongThePagesAre) {
  for (std::size_t size = 1; size < 12; ++size) {
    reader_.page_size = size;
    reader_.counted.clear();
    EXPECT_EQ(count(), "bar@h 4/15, ;bar@h 1/5, ;") << size;
    EXPECT_EQ(reader_.counted, "c cc d f1 y ") << size;
  }
}

TEST_F(MoveCounts, ListingEndsWithTheLastBucket) {
  reader_.keys = {{"c", 2}};
  EXPECT_EQ(count(), "bar@h 1/2, ;bar@h 0/0, ;");
  EXPECT_EQ(reader_.asked, (std::vector<std::string>{last_name_before('c')}));
}

TEST_F(MoveCounts, ABucketThatWasDroppedMeanwhileIsNone) {
  reader_.faults = {{"cc", {StatusCode::kNotFound, "there is no bucket"}}};
  EXPECT_EQ(count(), "bar@h 3/12, ;bar@h 1/5, ;");
}

TEST_F(MoveCounts, AFailureEndsThatNodeAndIsToldWhereItMatters) {
  reader_.faults = {{"y", {StatusCode::kOverloaded, "busy"}}};
  EXPECT_EQ(count(), "bar@h 4/9 overloaded, ;bar@h 1/5, ;") << "f is behind it";
  reader_.faults = {{"d", {StatusCode::kOverloaded, "busy"}}};
  EXPECT_EQ(count(), "bar@h 3/5 overloaded, ;bar@h 0/0 overloaded, ;");
  reader_.faults.clear();
  reader_.pages_left = 2;
  EXPECT_EQ(count(), "bar@h 3/9 unavailable, ;bar@h 1/5, ;");
  reader_.pages_left = 0;
  EXPECT_EQ(count(), "bar@h 0/0 unavailable, ;bar@h 0/0 unavailable, ;");
}

TEST_F(MoveCounts, PagesThatAreOutOfOrderAreNotCounted) {
  for (const Names& lie : {Names{{""}, false}, Names{{"c", "c"}, false}, Names{{"d", "c"}, false},
                           Names{{"a"}, false}, Names{{}, true}}) {
    reader_.lie = lie;
    EXPECT_EQ(count(), "bar@h 0/0 protocol_error, ;bar@h 0/0 protocol_error, ;");
  }
  EXPECT_EQ(reader_.counted, "");
}

TEST_F(MoveCounts, ANodeThatKeepsItsBytesIsNotAsked) {
  difference_.changes = {{bytes_of({{'c', 'c'}}), {"bar@h", "foo@h"}, {"bar@h"}},
                         {bytes_of({{'d', 'd'}}), {}, {"bar@h"}},
                         {bytes_of({{'e', 'e'}}), {"bar@h"}, {"bar@h", "foo@h"}},
                         {bytes_of({{'y', 'y'}}), {"qux@h"}, {}}};
  MoveCounter counter{difference_};
  ASSERT_EQ(counter.losses().size(), 2U);
  EXPECT_EQ(counter.losses().at("foo@h"), bytes_of({{'c', 'c'}}));
  EXPECT_EQ(counter.losses().at("qux@h"), bytes_of({{'y', 'y'}}));
  counter.count("foo@h", counter.losses().at("foo@h"), reader_);
  counter.fail("qux@h", reader_.gone);
  EXPECT_EQ(text_of(counter.take()), "foo@h 2/5, ;;;qux@h 0/0 unavailable, ;");
}

TEST(LastNameBefore, IsNextToTheFirstOfItsByte) {
  EXPECT_EQ(last_name_before(0), "");
  EXPECT_EQ(last_name_before('b').size(), limits::kBucketNameBytesMax);
  EXPECT_LT(last_name_before('b'), "b");
  EXPECT_GE(last_name_before('b'), "a" + std::string(limits::kBucketNameBytesMax - 1, '\xff'));
  EXPECT_LT(last_name_before(0xff), "\xff");
}

class MoveTexts : public MoveCounts {
 protected:
  Moves counted() {
    MoveCounter counter{difference_};
    for (const auto& [node, bytes] : counter.losses()) counter.count(node, bytes, reader_);
    auto moves = counter.take();
    moves.holdings = {{"bar@h", 10, 25, 2048}};
    return moves;
  }
};

TEST_F(MoveTexts, FiguresOfEachChangeAndOfAll) {
  const auto moves = counted();
  EXPECT_EQ(
      difference_text(difference_, &moves, false),
      "first byte  before  after  buckets  keys\n"
      "c..d, x..z  bar@h   baz@h        4    15\n"
      "f           bar@h   foo@h        1     5\n"
      "to move: 5 buckets with 20 keys\n"
      "bar@h holds 10 buckets with 25 keys in all, 2.0 KiB\n"
      "Buckets do not move by themselves, and what is written between an export and its import "
      "would be lost. For each range, in this order: BEFORE gives it away (kvmesh reload), which "
      "closes it; kvmesh export --on BEFORE --range RANGE > FILE; kvmesh import --on AFTER FILE; "
      "AFTER takes it (kvmesh reload), which opens it. config/README.md has it step by step: "
      "Give a range to another node.\n");
}

TEST_F(MoveTexts, WhatIsNotCountedIsSaid) {
  reader_.faults = {{"d", {StatusCode::kOverloaded, "busy"}}};
  auto moves = counted();
  moves.silent = {{"qux@h", "unavailable: gone"}};
  EXPECT_EQ(
      difference_text(difference_, &moves, false),
      "first byte  before  after  buckets  keys\n"
      "c..d, x..z  bar@h   baz@h       3+    5+\n"
      "f           bar@h   foo@h        ?     ?\n"
      "to move: at least 3 buckets with 5 keys\n"
      "bar@h holds 10 buckets with 25 keys in all, 2.0 KiB\n"
      "not all counted: what bar@h stores: overloaded: busy\n"
      "not counted: what qux@h stores, which does not answer: unavailable: gone\n"
      "Buckets do not move by themselves, and what is written between an export and its import "
      "would be lost. For each range, in this order: BEFORE gives it away (kvmesh reload), which "
      "closes it; kvmesh export --on BEFORE --range RANGE > FILE; kvmesh import --on AFTER FILE; "
      "AFTER takes it (kvmesh reload), which opens it. config/README.md has it step by step: "
      "Give a range to another node.\n");
  difference_.changes.clear();
  moves.of_changes.clear();
  EXPECT_EQ(difference_text(difference_, &moves, false),
            "no bucket changes its owner\n"
            "not counted: what qux@h stores, which does not answer: unavailable: gone\n");
}

TEST_F(MoveTexts, ANodeThatDoesNotAnswerMayStoreWhatNobodyIsKnownToStore) {
  difference_.changes.push_back({bytes_of({{'n', 'n'}}), {}, {"baz@h"}});
  auto moves = counted();
  EXPECT_THAT(difference_text(difference_, &moves, false),
              testing::HasSubstr("baz@h        0     0\nto move: 5 buckets"));
  moves.silent = {{"qux@h", "unavailable: gone"}};
  EXPECT_THAT(difference_text(difference_, &moves, false),
              testing::HasSubstr("baz@h        ?     ?\nto move: at least 5 buckets"));
}

TEST_F(MoveTexts, WhereNothingHasToMoveNothingIsToBeDone) {
  reader_.keys = {{"a", 1}};
  auto moves = counted();
  EXPECT_EQ(difference_text(difference_, &moves, false),
            "first byte  before  after  buckets  keys\n"
            "c..d, x..z  bar@h   baz@h        0     0\n"
            "f           bar@h   foo@h        0     0\n"
            "to move: 0 buckets with 0 keys\n"
            "bar@h holds 10 buckets with 25 keys in all, 2.0 KiB\n");
  moves.silent = {{"qux@h", "gone"}};
  EXPECT_TRUE(
      difference_text(difference_, &moves, false).ends_with("Give a range to another node.\n"));
}

TEST_F(MoveTexts, JsonHasTheFiguresOfEachNode) {
  reader_.faults = {{"f1", {StatusCode::kOverloaded, "busy"}}};
  auto moves = counted();
  moves.silent = {{"qux@h", "unavailable: gone"}};
  const auto json = difference_json(difference_, &moves, {}).to_json();
  EXPECT_EQ(
      json.substr(0, json.find(R"(,"after")", json.find("silent"))),
      R"({"joined":[],"left":[],"changes":[{"ranges":["c..d","x..z"],"before":["bar@h"],"after":["baz@h"],)"
      R"("moves":[{"from":"bar@h","buckets":3,"keys":9,"complete":false,)"
      R"("error":{"code":"overloaded","text":"busy"}}]},)"
      R"({"ranges":["f"],"before":["bar@h"],"after":["foo@h"],)"
      R"("moves":[{"from":"bar@h","buckets":1,"keys":0,"complete":false,)"
      R"("error":{"code":"overloaded","text":"busy"}}]}],)"
      R"("holdings":[{"node":"bar@h","buckets":10,"keys":25,"bytes":2048}],)"
      R"("silent":{"qux@h":"unavailable: gone"})");
  EXPECT_EQ(difference_json(difference_, nullptr, {}).to_json().find("moves"), std::string::npos);
}

}  // namespace
}  // namespace kvmesh::command
