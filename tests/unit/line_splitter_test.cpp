// Lines out of bytes that come in pieces of any size: the same lines as a model that sees all bytes
// at once, and no more memory than the longest line needs.

#include "node/stream/line_splitter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node/stream/input_buffer.h"
#include "tests/unit/random_msgpack.h"

namespace kvmesh::stream {
namespace {

constexpr std::string_view kTooLong = "<too long>";

// A connection's input, as lines.
class Lines {
 public:
  explicit Lines(std::size_t limit) : splitter_(limit) {}
  std::span<char> room() { return in_.room(splitter_.input_max()); }
  void filled(std::size_t count) { in_.filled(count); }
  std::optional<LineSplitter::Line> next() {
    std::size_t taken = 0;
    const auto line = splitter_.next(in_.bytes(), taken);
    in_.take(taken);
    return line;
  }
  void give_back() { in_.give_back(); }
  bool empty() const { return in_.empty(); }
  std::size_t capacity() const { return in_.capacity(); }
  bool is_skipping() const { return splitter_.is_skipping(); }

 private:
  InputBuffer in_;
  LineSplitter splitter_;
};

std::vector<std::string> take_lines(Lines& buffer) {
  std::vector<std::string> out;
  while (const auto line = buffer.next()) {
    if (line->too_long > 0) {
      EXPECT_TRUE(line->text.empty());
    }
    out.emplace_back(line->too_long > 0 ? kTooLong : line->text);
  }
  return out;
}

// Gives `bytes` to the buffer as reads of at most `piece` bytes, and takes the lines after each.
std::vector<std::string> feed(Lines& buffer, std::string_view bytes, std::size_t piece) {
  std::vector<std::string> out;
  while (!bytes.empty()) {
    const auto room = buffer.room();
    EXPECT_FALSE(room.empty());
    if (room.empty()) return out;
    const auto count = std::min({room.size(), piece, bytes.size()});
    bytes.copy(room.data(), count);
    buffer.filled(count);
    bytes.remove_prefix(count);
    for (auto& line : take_lines(buffer)) out.push_back(std::move(line));
  }
  return out;
}

std::vector<std::string> model(std::string_view bytes, std::size_t limit) {
  std::vector<std::string> out;
  for (auto end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
    auto line = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    out.emplace_back(line.size() > limit ? kTooLong : line);
  }
  // A line without its end is told when no end could make it short enough: one byte may be the CR.
  if (bytes.size() > limit + 1) out.emplace_back(kTooLong);
  return out;
}

TEST(LineSplitter, SplitsAnyBytesInAnyPiecesAsTheModelDoes) {
  RandomMsgpack random{test_seed()};
  for (int round = 0; round < 3000; ++round) {
    const auto limit = 1 + random.below(40);
    std::string bytes;
    for (auto parts = random.below(60); parts > 0; --parts) {
      switch (random.below(5)) {
        case 0:
          bytes += '\n';
          break;
        case 1:
          bytes += "\r\n";
          break;
        case 2:
          bytes += '\r';
          break;
        default:
          bytes += std::string(random.below(limit + 4), static_cast<char>(random.below(256)));
          break;
      }
    }
    const auto piece = 1 + random.below(50);
    Lines buffer{limit};
    ASSERT_EQ(feed(buffer, bytes, piece), model(bytes, limit))
        << "round " << round << ", limit " << limit << ", pieces of " << piece;
  }
}

TEST(LineSplitter, KeepsLongLinesWholeInAnyPieces) {
  RandomMsgpack random{test_seed()};
  constexpr std::size_t kLimit = 300'000;
  for (int round = 0; round < 20; ++round) {
    std::string bytes;
    for (auto parts = 1 + random.below(6); parts > 0; --parts) {
      bytes += std::string(random.below(kLimit + kLimit / 4), static_cast<char>('a' + parts));
      bytes += random.below(2) == 0 ? "\n" : "\r\n";
    }
    Lines buffer{kLimit};
    ASSERT_EQ(feed(buffer, bytes, 1 + random.below(100'000)), model(bytes, kLimit)) << round;
    EXPECT_TRUE(buffer.empty());
  }
}

TEST(LineSplitter, TheLimitCanBeReachedExactly) {
  for (const std::string end : {"\n", "\r\n"}) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
      Lines buffer{5000};
      const std::string longest(5000, 'x');
      EXPECT_EQ(feed(buffer, longest + end, piece), std::vector{longest}) << piece;
      EXPECT_EQ(feed(buffer, longest + "y" + end + "next" + end, piece),
                (std::vector<std::string>{std::string{kTooLong}, "next"}))
          << piece;
    }
  }
}

TEST(LineSplitter, ALineThatIsTooLongIsToldOnceAndThrownAwayUpToItsEnd) {
  Lines buffer{10};
  EXPECT_EQ(feed(buffer, std::string(100'000, 'x'), 999), std::vector{std::string{kTooLong}});
  EXPECT_EQ(feed(buffer, std::string(100'000, 'x'), 999), std::vector<std::string>{});
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(feed(buffer, "xx\r\nok\r\n", 3), std::vector<std::string>{"ok"});
}

TEST(LineSplitter, TellsHowManyBytesWereSeen) {
  Lines buffer{10};
  const auto room = buffer.room();
  std::fill_n(room.begin(), 12, 'x');
  buffer.filled(12);
  const auto line = buffer.next();
  ASSERT_TRUE(line);
  EXPECT_EQ(line->too_long, 12U);
}

TEST(LineSplitter, StartsSmallGrowsWithFullReadsAndGivesBackWhatALongLineTook) {
  constexpr std::size_t kLimit = 1'000'000;
  Lines buffer{kLimit};
  EXPECT_LE(buffer.room().size(), 4096U);

  // Short lines that fill every read get more room, but not as much as one long line would.
  std::size_t most = 0;
  for (int round = 0; round < 50; ++round) {
    const auto room = buffer.room();
    most = std::max(most, room.size());
    std::ranges::fill(room, '\n');
    buffer.filled(room.size());
    while (buffer.next()) {
    }
  }
  EXPECT_GE(most, 32U * 1024);
  EXPECT_LE(most, 128U * 1024);

  // One long line needs room for itself, whatever it holds, and no more.
  most = 0;
  for (int round = 0; round < 2000; ++round) {
    const auto room = buffer.room();
    ASSERT_FALSE(room.empty());
    const auto count = std::min<std::size_t>(room.size(), 10'000);
    std::fill_n(room.begin(), count, 'x');
    buffer.filled(count);
    while (buffer.next()) {
    }
    most = std::max(most, room.size());
  }
  EXPECT_GE(most, kLimit / 4);
  EXPECT_LE(most, kLimit + 4096);
  const auto end = buffer.room();
  end[0] = '\n';
  buffer.filled(1);
  EXPECT_FALSE(buffer.next());
  EXPECT_LE(buffer.room().size(), 64U * 1024);
}

TEST(LineSplitter, KeepsTheRoomOfLongLinesWhileTheyComeAndGivesItBackWhenAsked) {
  Lines buffer{1'000'000};
  const std::string longest(500'000, 'x');
  for (int round = 0; round < 50; ++round) {
    EXPECT_EQ(feed(buffer, longest + "\n", 100'000), std::vector{longest});
    EXPECT_GE(buffer.capacity(), longest.size());
  }
  // Short lines between them change nothing at first.
  for (int line = 0; line < 5; ++line) EXPECT_EQ(feed(buffer, "x\n", 2).size(), 1U);
  EXPECT_GE(buffer.capacity(), longest.size());
  for (int line = 0; line < 100; ++line) EXPECT_EQ(feed(buffer, "x\n", 2).size(), 1U);
  EXPECT_LE(buffer.capacity(), 64U * 1024);

  EXPECT_EQ(feed(buffer, longest + "\n", 100'000), std::vector{longest});
  buffer.give_back();
  EXPECT_LE(buffer.capacity(), 4096U);

  // Never what was not read yet.
  EXPECT_EQ(feed(buffer, longest, 100'000), std::vector<std::string>{});
  buffer.give_back();
  EXPECT_EQ(feed(buffer, "\n", 1), std::vector{longest});
}

TEST(LineSplitter, KnowsWhetherItSkipsALine) {
  Lines buffer{10};
  const auto fill = [&](std::string_view bytes) {
    bytes.copy(buffer.room().data(), bytes.size());
    buffer.filled(bytes.size());
  };
  fill("a\nb\nc");
  for (int line = 0; line < 2; ++line) {
    EXPECT_TRUE(buffer.next());
  }
  EXPECT_FALSE(buffer.next());
  EXPECT_FALSE(buffer.empty());
  fill("123456789012");
  EXPECT_FALSE(buffer.is_skipping());
  EXPECT_TRUE(buffer.next());
  EXPECT_TRUE(buffer.is_skipping());
  fill("34");
  EXPECT_FALSE(buffer.next());
  EXPECT_TRUE(buffer.is_skipping());
  fill("5\nd\n");
  EXPECT_TRUE(buffer.next());
  EXPECT_FALSE(buffer.is_skipping());
}

TEST(LineSplitter, KeepsNoRoomForALongLineThatItSkips) {
  Lines buffer{1'000'000};
  EXPECT_EQ(feed(buffer, std::string(1'100'000, 'x'), 100'000).size(), 1U);
  EXPECT_LE(buffer.room().size(), 64U * 1024);
  EXPECT_LE(buffer.capacity(), 64U * 1024);
}

// Whatever the pieces: the line that shows another protocol is the last one.
TEST(LineSplitter, GivesNothingOutBehindALineOfAnotherProtocol) {
  for (const std::string bytes :
       {"POST / HTTP/1.1\r\nX: y\r\n\r\nDROP shopping\r\n",
        "PING\nPING\nhost: x\r\nDROP shopping\r\n", "\x16\x03\x01\nDROP shopping\n"}) {
    for (const std::size_t piece : {1, 2, 7, 100}) {
      Lines buffer{1000};
      std::size_t foreign = 0;
      for (std::size_t at = 0; at < bytes.size(); at += piece) {
        const auto room = buffer.room();
        buffer.filled(bytes.copy(room.data(), piece, at));
        while (const auto line = buffer.next()) {
          EXPECT_EQ(foreign, 0U) << line->text;
          if (line->foreign != Foreign::kNone) {
            EXPECT_TRUE(line->text.empty());
            ++foreign;
          } else {
            EXPECT_EQ(line->text, "PING");
          }
        }
      }
      EXPECT_EQ(foreign, 1U) << bytes;
      EXPECT_TRUE(buffer.empty());
    }
  }
}

TEST(LineSplitter, ARequestLineThatIsNotTheFirstIsACommand) {
  Lines buffer{1000};
  EXPECT_EQ(feed(buffer, "PING\nGET / HTTP/1.1\nPING\n", 100),
            (std::vector<std::string>{"PING", "GET / HTTP/1.1", "PING"}));
}

TEST(LineSplitter, AReadOfNothingChangesNothing) {
  Lines buffer{10};
  EXPECT_FALSE(buffer.next());
  EXPECT_TRUE(buffer.empty());
  (void)buffer.room();
  buffer.filled(0);
  EXPECT_FALSE(buffer.next());
  EXPECT_EQ(feed(buffer, "\n", 1), std::vector<std::string>{""});
}

}  // namespace
}  // namespace kvmesh::stream
