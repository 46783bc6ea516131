// The load generator's pure parts: percentiles, distributions, values, and replies cut anywhere.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "client/bench/codec.h"
#include "client/bench/histogram.h"
#include "client/bench/random.h"
#include "client/bench/workload.h"
#include "client/bench/zipf.h"

namespace kvmesh::bench {
namespace {

using Kind = Operation::Kind;
using ReplyKind = Reply::Kind;

TEST(Histogram, PercentilesAreThoseOfTheSortedValuesWithinAStep) {
  Random random{7};
  std::vector<std::uint64_t> values;
  Histogram histogram;
  for (int i = 0; i < 20000; ++i) {
    // All magnitudes, from single nanoseconds to centuries.
    const auto value = random.next() >> random.below(64);
    values.push_back(value);
    histogram.add(value);
  }
  std::ranges::sort(values);
  for (const double percent : {0.0, 0.01, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    const auto rank = std::max(1.0, std::ceil(percent / 100 * static_cast<double>(values.size())));
    const auto exact = values[static_cast<std::size_t>(rank) - 1];
    const auto told = histogram.percentile(percent);
    EXPECT_GE(told, exact) << percent;
    EXPECT_LE(static_cast<double>(told), static_cast<double>(exact) * (1 + 1.0 / 128) + 1)
        << percent;
  }
  EXPECT_EQ(histogram.max(), values.back());
  EXPECT_EQ(histogram.count(), values.size());
}

TEST(Histogram, SmallValuesAreExactAndTheEdgesFit) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile(50), 0U);
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{255}, ~std::uint64_t{0}}) {
    histogram.clear();
    histogram.add(value);
    for (const double percent : {0.0, 50.0, 100.0}) EXPECT_EQ(histogram.percentile(percent), value);
  }
  histogram.clear();
  for (std::uint64_t value = 1; value <= 100; ++value) histogram.add(value);
  EXPECT_EQ(histogram.percentile(50), 50U);
  EXPECT_EQ(histogram.percentile(99), 99U);
  EXPECT_DOUBLE_EQ(histogram.mean(), 50.5);
}

TEST(Zipf, RanksComeUpAsOftenAsTheLawSays) {
  constexpr int kDraws = 200000;
  for (const double exponent : {0.5, 0.99, 1.0, 1.5}) {
    constexpr std::uint64_t kItems = 50;
    const Zipf zipf{kItems, exponent};
    Random random{3};
    std::vector<int> seen(kItems, 0);
    for (int i = 0; i < kDraws; ++i) {
      const auto rank = zipf.draw(random);
      ASSERT_LT(rank, kItems);
      ++seen[rank];
    }
    double sum = 0;
    for (std::uint64_t i = 1; i <= kItems; ++i) sum += std::pow(static_cast<double>(i), -exponent);
    for (std::uint64_t i = 0; i < kItems; ++i) {
      const double expected = kDraws * std::pow(static_cast<double>(i + 1), -exponent) / sum;
      EXPECT_NEAR(seen[i], expected, 6 * std::sqrt(expected)) << exponent << " rank " << i;
    }
  }
}

TEST(Zipf, OneItemIsAlwaysDrawn) {
  const Zipf zipf{1, 0.99};
  Random random{3};
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(zipf.draw(random), 0U);
}

TEST(Random, BelowReachesEveryNumberAndNoMore) {
  Random random{11};
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.below(10));
  EXPECT_EQ(seen.size(), 10U);
  EXPECT_EQ(*seen.rbegin(), 9U);
}

TEST(ValueForm, TakesWhatItWroteAndNothingElse) {
  for (const std::size_t bytes : {1U, 7U, 8U, 10U, 16U, 1000U}) {
    ValueForm form{bytes};
    for (const std::uint64_t version : {0U, 1U, 25U, 26U, 12345U}) {
      const std::string value{form.write(0x1234, version)};
      ASSERT_EQ(value.size(), bytes);
      EXPECT_TRUE(form.matches(value, 0x1234, true)) << value;
      EXPECT_TRUE(form.matches(value, 0x1234, false)) << value;
      EXPECT_FALSE(form.matches(value, 0x1235, false)) << value;
      EXPECT_FALSE(form.matches(value + "a", 0x1234, true));
      EXPECT_FALSE(form.matches(value.substr(1), 0x1234, true));
      for (std::size_t i = 0; i < bytes; ++i) {
        auto broken = value;
        broken[i] ^= 1;
        EXPECT_FALSE(form.matches(broken, 0x1234, true)) << broken;
      }
    }
  }
}

TEST(Workload, TheSameSeedGivesTheSameRequests) {
  const auto text = [](std::uint64_t seed) {
    WorkloadOptions options;
    options.seed = seed;
    Workload workload{options};
    std::string out;
    for (int i = 0; i < 100; ++i) {
      const auto next = workload.next();
      out.append(next.bucket).append(next.key).append(next.value).append("\n");
    }
    return out;
  };
  EXPECT_EQ(text(1), text(1));
  EXPECT_NE(text(1), text(2));
}

TEST(Workload, NamesAreDistinctAndTheMixIsKept) {
  WorkloadOptions options;
  options.buckets = 7;
  options.keys = 11;
  options.writes = 0.25;
  Workload workload{options};
  std::set<std::string> names;
  for (std::uint64_t i = 0; i < workload.all_keys(); ++i) {
    const auto put = workload.put(i);
    EXPECT_EQ(put.key.size(), 16U);
    EXPECT_TRUE(names.insert(std::string{put.bucket} + " " + std::string{put.key}).second);
  }
  int puts = 0;
  constexpr int kDraws = 10000;
  for (int i = 0; i < kDraws; ++i) {
    const auto next = workload.next();
    EXPECT_TRUE(names.contains(std::string{next.bucket} + " " + std::string{next.key}));
    puts += next.kind == Kind::kPut ? 1 : 0;
  }
  EXPECT_NEAR(puts, 2500, 250);
}

struct Asked {
  Kind kind;
  ReplyKind reply;
  std::string value;
};

// Gives the codec `bytes` as they would come in pieces of `piece` bytes; "" when every reply was
// right, else what was wrong.
std::string replies_in_pieces(Codec& codec, const std::string& bytes,
                              const std::vector<Asked>& asked, std::size_t piece) {
  std::string in;
  std::string out;
  std::size_t next = 0;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    in += bytes.substr(at, piece);
    while (!in.empty()) {
      const auto kind = next < asked.size() ? asked[next].kind : Kind::kPut;
      const auto parsed = codec.parse(in, kind, out);
      if (!parsed) return parsed.status().text();
      if (parsed->taken == 0) break;
      if (parsed->reply) {
        if (next == asked.size()) return "one reply too many";
        if (parsed->reply->kind != asked[next].reply) return "wrong kind of reply";
        if (parsed->reply->value != asked[next].value) return "wrong value";
        ++next;
      }
      in.erase(0, parsed->taken);
    }
  }
  if (!in.empty()) return "bytes are left";
  return next == asked.size() ? "" : "replies are missing";
}

struct Talk {
  const char* name;
  std::unique_ptr<Codec> (*make)();
  std::string bytes;
  std::vector<Asked> asked;
  std::vector<std::string> wrong_gets;  // in place of a get's reply
  std::vector<std::string> wrong_puts;
};

std::unique_ptr<Codec> make_test_nats() { return make_nats_codec("x"); }

std::vector<Talk> talks() {
  const Asked put{Kind::kPut, ReplyKind::kDone, ""};
  const Asked create{Kind::kCreate, ReplyKind::kDone, ""};
  const Asked missing{Kind::kGet, ReplyKind::kMissing, ""};
  const auto value = [](std::string text) {
    return Asked{Kind::kGet, ReplyKind::kValue, std::move(text)};
  };
  const Asked echo{Kind::kGet, ReplyKind::kEcho, ""};
  return {
      {"line",
       make_line_codec,
       "OK\r\nOK\r\nabc\r\nOK\r\n\r\nOK\r\nOK\r\nOK\r\nOK\r\n",
       {create, put, value("abc"), missing, value("OK"), put},
       {"ERROR nothing x\r\n", "UNKNOWN COMMAND\r\n", "abc\r\nxyz\r\n"},
       {"ERROR nothing x\r\n", "abc\r\n", "OK\n"}},
      {"null", make_null_codec, "OK\r\nOK\r\n", {echo, echo}, {"NO\r\n"}, {"NO\r\n"}},
      {"redis",
       make_redis_codec,
       ":1\r\n:0\r\n$3\r\na\nc\r\n$-1\r\n$0\r\n\r\n",
       {put, put, value("a\nc"), missing, value("")},
       {":1\r\n", "-ERR no\r\n", "$x\r\n", "$3\r\nabcde"},
       {"$-1\r\n", ":2\r\n", "-ERR no\r\n"}},
      {"memcached",
       make_memcached_codec,
       "STORED\r\nVALUE b:k 0 5\r\na\r\nEN\r\nEND\r\nEND\r\n",
       {put, value("a\r\nEN"), missing},
       {"ERROR\r\n", "STORED\r\n", "VALUE b:k 0 x\r\n", "VALUE b:k 0 3\r\nabcdefghijk"},
       {"END\r\n", "NOT_STORED\r\n", "SERVER_ERROR out of memory\r\n"}},
      {"nats",
       make_test_nats,
       "INFO {\"a\":1}\r\nMSG _INBOX.x 1 1\r\n+\r\nPING\r\nMSG _INBOX.x 1 4\r\n=a\nc\r\n"
       "MSG _INBOX.x 1 1\r\n-\r\n",
       {put, value("a\nc"), missing},
       {"-ERR 'x'\r\n", "MSG _INBOX.x 1 1\r\n+\r\n", "MSG _INBOX.x 1 z\r\n"},
       {"-ERR 'x'\r\n", "MSG _INBOX.x 1 1\r\n-\r\n"}},
  };
}

TEST(Codecs, RepliesMayBeCutAnywhere) {
  for (const auto& talk : talks()) {
    for (std::size_t piece = 1; piece <= talk.bytes.size(); ++piece) {
      const auto codec = talk.make();
      EXPECT_EQ(replies_in_pieces(*codec, talk.bytes, talk.asked, piece), "")
          << talk.name << " in pieces of " << piece;
    }
  }
}

TEST(Codecs, WrongRepliesAreFaults) {
  for (const auto& talk : talks()) {
    for (const auto kind : {Kind::kGet, Kind::kPut}) {
      for (const auto& wrong : kind == Kind::kGet ? talk.wrong_gets : talk.wrong_puts) {
        const auto codec = talk.make();
        std::string out;
        const auto parsed = codec->parse(wrong, kind, out);
        EXPECT_FALSE(parsed.ok()) << talk.name << ": " << wrong;
      }
    }
  }
}

TEST(Codecs, PingsOfNatsAreAnswered) {
  std::string out;
  const auto codec = make_nats_codec("x");
  const auto parsed = codec->parse("PING\r\n", Kind::kPut, out);
  ASSERT_TRUE(parsed.ok());
  EXPECT_FALSE(parsed->reply);
  EXPECT_EQ(out, "PONG\r\n");
}

}  // namespace
}  // namespace kvmesh::bench
