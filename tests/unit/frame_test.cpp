// The outer layer of the mesh protocol: buffers, frame headers and the cutting of runs into
// records. What each kind means byte by byte is in common/vectors and vectors_test.cpp.

#include "common/wire/frame.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include <kvmesh/limits.h>

#include "common/wire/buffer.h"

namespace kvmesh::wire {
namespace {

std::string frame_of(char version, char kind, std::size_t content_bytes) {
  return std::string{version, kind} + std::string(content_bytes, 'x');
}

std::string record_of(std::size_t bytes) {
  Buffer out;
  out.put_u32(out.skip(kRecordPrefixBytes), static_cast<std::uint32_t>(bytes));
  return std::string{out.view()} + std::string(bytes, 'r');
}

TEST(Frame, OfEveryKindIsRead) {
  for (char kind = 1; kind <= static_cast<char>(kFrameKindLast); ++kind) {
    const auto bytes = frame_of(1, kind, 3);
    const auto parsed = parse_frame(bytes);
    ASSERT_TRUE(parsed.frame);
    EXPECT_EQ(static_cast<char>(parsed.frame->kind), kind);
    EXPECT_EQ(parsed.frame->content, "xxx");
  }
}

TEST(Frame, IsReadUpToItsLimitExactly) {
  const auto longest = frame_of(1, 3, limits::kFrameBytesMax - kFrameHeaderBytes);
  EXPECT_TRUE(parse_frame(longest).frame);
  const auto parsed = parse_frame(longest + 'x');
  EXPECT_FALSE(parsed.frame);
  EXPECT_EQ(parsed.refusal, Refusal::kOversize);
}

TEST(Frame, PingIsReadUpToItsLimitExactly) {
  for (const char kind : {'\5', '\6'}) {
    EXPECT_TRUE(parse_frame(frame_of(1, kind, limits::kPingBytesMax)).frame);
    EXPECT_EQ(parse_frame(frame_of(1, kind, limits::kPingBytesMax + 1)).refusal,
              Refusal::kOversize);
  }
}

TEST(Frame, OfAnotherVersionIsRefusedUnlessItIsHelloOrRefused) {
  for (char kind = 1; kind <= static_cast<char>(kFrameKindLast); ++kind) {
    const auto bytes = frame_of(2, kind, 0);
    const bool any_version = kind == 1 || kind == 7;
    EXPECT_EQ(parse_frame(bytes).frame.has_value(), any_version) << int{kind};
    if (!any_version) {
      EXPECT_EQ(parse_frame(bytes).refusal, Refusal::kVersion);
    }
  }
}

TEST(Frame, BeginsWithVersionAndKind) {
  Buffer out;
  begin_frame(out, FrameKind::kReplies);
  EXPECT_EQ(out.view(), "\x01\x04");
}

TEST(Records, ComeOffARunOneByOne) {
  const auto bytes = record_of(3) + record_of(0) + record_of(1);
  std::string_view run = bytes;
  std::optional<Refusal> refusal;
  EXPECT_EQ(next_record(run, refusal), "rrr");
  EXPECT_EQ(next_record(run, refusal), "");
  EXPECT_EQ(next_record(run, refusal), "r");
  EXPECT_EQ(next_record(run, refusal), std::nullopt);
  EXPECT_FALSE(refusal);
}

TEST(Records, AreReadUpToTheirLimitExactly) {
  const auto longest = record_of(limits::kRecordBytesMax);
  std::string_view run = longest;
  std::optional<Refusal> refusal;
  EXPECT_TRUE(next_record(run, refusal));
  EXPECT_FALSE(refusal);

  const auto longer = record_of(limits::kRecordBytesMax + 1);
  run = longer;
  EXPECT_FALSE(next_record(run, refusal));
  EXPECT_EQ(refusal, Refusal::kOversize);
}

TEST(Records, ThatAreCutAnywhereAreRefused) {
  const auto whole = record_of(9);
  for (std::size_t keep = 1; keep < whole.size(); ++keep) {
    std::string_view run = std::string_view{whole}.substr(0, keep);
    std::optional<Refusal> refusal;
    EXPECT_FALSE(next_record(run, refusal));
    EXPECT_EQ(refusal, Refusal::kTruncated) << keep;
  }
}

TEST(Refusals, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (int i = 0; i < kRefusalCount; ++i) names.insert(to_string(static_cast<Refusal>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kRefusalCount));
  EXPECT_FALSE(names.contains(""));
  EXPECT_EQ(to_string(Refusal::kFlood), "flood");
}

TEST(Buffer, KeepsItsMemoryWhenCleared) {
  Buffer out;
  EXPECT_TRUE(out.view().empty());
  out.append(std::string(1000, 'a'));
  const auto held = out.capacity();
  const auto* at = out.data();
  out.clear();
  EXPECT_TRUE(out.empty());
  out.append("bc");
  EXPECT_EQ(out.view(), "bc");
  EXPECT_EQ(out.data(), at);
  EXPECT_EQ(out.capacity(), held);
  out.clear();
  out.shrink(held);
  EXPECT_EQ(out.capacity(), held);
  out.shrink(held - 1);
  EXPECT_EQ(out.capacity(), 0U);
}

TEST(Buffer, FillsInWhatWasSkipped) {
  Buffer out;
  out.append("a");
  const auto at = out.skip(4);
  out.append("b");
  out.put_u32(at, 0x01020304);
  EXPECT_EQ(out.view(),
            "a\x01\x02\x03\x04"
            "b");
  EXPECT_EQ(out.view(5), "b");
  out.truncate(1);
  EXPECT_EQ(out.view(), "a");
}

TEST(Buffer, GrowsAndMovesWithoutLosingBytes) {
  Buffer out;
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    out.push_back(static_cast<char>(i));
    expected += static_cast<char>(i);
  }
  Buffer moved{std::move(out)};
  EXPECT_TRUE(out.empty());  // NOLINT: a moved-from buffer is empty and can be used
  out.append("again");
  EXPECT_EQ(out.view(), "again");
  EXPECT_EQ(moved.view(), expected);
  out = std::move(moved);
  EXPECT_EQ(out.view(), expected);
  char* released = out.release();
  EXPECT_EQ(std::string_view(released, expected.size()), expected);
  EXPECT_TRUE(out.empty());
  std::free(released);  // NOLINT: as release() says
}

}  // namespace
}  // namespace kvmesh::wire
