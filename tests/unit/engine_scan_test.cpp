// Keys in their order, ids of calls that are executed once, and changes that are followed.

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/engine_suite.h"

namespace kvmesh::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using change::add;
using change::erase;
using change::put;
using change::touch;

std::string id(char letter) { return std::string(limits::kOnceIdBytes, letter); }

template <typename Made>
class EngineScan : public EngineSuite<Made> {
 protected:
  EngineScan() { EXPECT_EQ(this->code(op::create("b")), StatusCode::kOk); }

  Applied apply(const std::vector<Change>& changes, std::string_view once = {}) {
    const OpMore more{.changes = changes, .once = once};
    const auto ended = this->driver_->execute(op::with(Op::Kind::kApply, "b", more));
    EXPECT_EQ(ended.code, StatusCode::kOk);
    return ended.template get<Applied>();
  }
  Revision rev() {
    const OpMore none;
    return this->driver_->execute(op::with(Op::Kind::kRead, "b", none)).template get<Entries>().rev;
  }
  ScanPage scan(std::string_view prefix, PageLimits page, bool values = false) {
    const OpMore more{.prefix = prefix, .values = values};
    const auto ended = this->driver_->execute(op::with(Op::Kind::kScan, "b", more, page));
    EXPECT_EQ(ended.code, StatusCode::kOk);
    return ended.template get<ScanPage>();
  }
  static std::vector<std::string> keys(const ScanPage& page) {
    std::vector<std::string> out;
    for (const auto& item : page.items) out.push_back(item.key);
    return out;
  }
  std::vector<std::string> all_keys(std::string_view prefix, std::size_t items_max) {
    std::vector<std::string> out;
    for (bool more = true; more;) {
      PageLimits limits{.items_max = items_max, .bytes_max = 1 << 20};
      if (!out.empty()) limits.after = out.back();
      const auto page = scan(prefix, limits);
      EXPECT_LE(page.items.size(), items_max);
      for (const auto& item : page.items) out.push_back(item.key);
      more = page.more;
    }
    return out;
  }
  Events changes(Revision since, std::string_view prefix = {}, std::size_t items_max = 1000,
                 std::size_t bytes_max = 1 << 20) {
    const OpMore more{.prefix = prefix, .since = since};
    const auto ended = this->driver_->execute(
        op::with(Op::Kind::kChanges, "b", more, {.items_max = items_max, .bytes_max = bytes_max}));
    EXPECT_EQ(ended.code, StatusCode::kOk);
    return ended.template get<Events>();
  }
  // Kind and key of each: "0 k".
  static std::vector<std::string> told(const Events& events) {
    std::vector<std::string> out;
    for (const auto& event : events.events) {
      out.push_back(std::to_string(static_cast<int>(event.kind)) + " " + event.key);
    }
    return out;
  }
  void pass_time(milliseconds time) { this->now_ += time; }
};
TYPED_TEST_SUITE(EngineScan, Engines);

using Keys = std::vector<std::string>;

TYPED_TEST(EngineScan, GivesKeysInTheirOrderPageByPage) {
  this->apply({put("b", "1"), put("a", "2"), put("ab", "3"), put("aa", "4"), put("c", "5")});
  this->driver_->execute(op::put("b", "abc", "6"));
  const PageLimits two{.items_max = 2, .bytes_max = 1000};
  auto page = this->scan("a", two, true);
  EXPECT_EQ(this->keys(page), (Keys{"a", "aa"}));
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.rev, this->rev());
  EXPECT_EQ(page.items[0].entry.value, "2");
  EXPECT_LT(page.items[0].entry.rev, page.rev);
  page = this->scan("a", {.after = "aa", .items_max = 2, .bytes_max = 1000});
  EXPECT_EQ(this->keys(page), (Keys{"ab", "abc"}));
  EXPECT_FALSE(page.more) << "c does not begin with a";
  EXPECT_EQ(page.items[0].entry.value, "") << "values were not wanted";
  EXPECT_EQ(this->keys(this->scan("", {.after = "b", .items_max = 9, .bytes_max = 99})),
            (Keys{"c"}));
  EXPECT_EQ(this->keys(this->scan("ab", {.after = "a", .items_max = 9, .bytes_max = 99})),
            (Keys{"ab", "abc"}))
      << "the prefix begins later";
  EXPECT_TRUE(this->scan("d", two).items.empty());
  EXPECT_FALSE(this->scan("a", {.after = "b", .items_max = 2, .bytes_max = 99}).more);
}

TYPED_TEST(EngineScan, APageEndsBeforeItsBytesButHoldsOneItem) {
  this->apply({put("1", std::string(50, 'x')), put("2", std::string(60, 'x')), put("3", "")});
  auto page = this->scan("", {.items_max = 9, .bytes_max = 52}, true);
  EXPECT_EQ(this->keys(page), (Keys{"1"}));
  EXPECT_TRUE(page.more);
  page = this->scan("", {.after = "1", .items_max = 9, .bytes_max = 10}, true);
  EXPECT_EQ(this->keys(page), (Keys{"2"})) << "however long its value is";
  EXPECT_TRUE(page.more);
}

TYPED_TEST(EngineScan, FollowsEveryChangeOnceTheOrderIsBuilt) {
  std::map<std::string, std::string, std::less<>> model;
  std::mt19937_64 random{11};
  // More of them than are put in their order for each scan anew, from the half on.
  for (int round = 0; round < 8000; ++round) {
    const auto key = "k" + std::to_string(random() % 2500);
    if (random() % 6 == 0) {
      this->driver_->execute(op::erase("b", key));
      model.erase(key);
    } else {
      const std::string value(random() % 40, 'v');
      this->driver_->execute(op::put("b", key, value));
      model[key] = value;
    }
    if (round % 250 != 0) continue;
    const auto page = this->scan("k1", {.items_max = 2500, .bytes_max = 1 << 20}, true);
    std::size_t found = 0;
    for (const auto& [name, value] : model) {
      if (!name.starts_with("k1")) continue;
      ASSERT_LT(found, page.items.size());
      ASSERT_EQ(page.items[found].key, name);
      ASSERT_EQ(page.items[found].entry.value, value);
      ++found;
    }
    ASSERT_EQ(found, page.items.size());
  }
}

TYPED_TEST(EngineScan, AnOrderThatNobodyUsesIsGivenUpWithItsMemory) {
  for (int i = 0; i < 2000; ++i) this->driver_->execute(op::put("b", std::to_string(i), "v"));
  const auto before = this->engine_->usage().bytes;
  EXPECT_EQ(this->all_keys("", 2000).size(), 2000U);
  EXPECT_GE(this->engine_->usage().bytes, before + 2000 * 8);
  this->pass_time(seconds{59});
  this->driver_->tick();
  EXPECT_EQ(this->all_keys("", 2000).size(), 2000U);
  this->pass_time(seconds{59});
  this->driver_->tick();
  EXPECT_GE(this->engine_->usage().bytes, before + 2000 * 8) << "it was used since";
  this->pass_time(seconds{2});
  for (int ticks = 0; ticks < 2; ++ticks) this->driver_->tick();
  EXPECT_EQ(this->engine_->usage().bytes, before);
  EXPECT_EQ(this->all_keys("", 300).size(), 2000U) << "it is made anew";
}

TYPED_TEST(EngineScan, WithoutMemoryForTheOrderNothingElseFails) {
  this->make_engine(200000);
  this->driver_->execute(op::create("b"));
  for (int i = 0; this->code(op::put("b", std::to_string(i), "v")) == StatusCode::kOk; ++i) {
  }
  const OpMore more;
  EXPECT_EQ(this->code(op::with(Op::Kind::kScan, "b", more, {.items_max = 1})), StatusCode::kFull);
  EXPECT_EQ(this->code(op::get("b", "0")), StatusCode::kOk);
  EXPECT_EQ(this->code(op::erase("b", "0")), StatusCode::kOk);
}

TYPED_TEST(EngineScan, NoOrderIsKeptOfASmallBucket) {
  for (int i = 0; i < 1000; ++i) this->driver_->execute(op::put("b", std::to_string(i), "v"));
  const auto before = this->engine_->usage().bytes;
  const auto keys = this->all_keys("", 7);
  EXPECT_EQ(keys.size(), 1000U);
  EXPECT_TRUE(std::ranges::is_sorted(keys));
  EXPECT_EQ(this->engine_->usage().bytes, before);
}

TYPED_TEST(EngineScan, NothingIsFullForTheSakeOfWhatHasExpired) {
  this->make_engine(100'000);
  auto& on = *this->driver_;
  const OpMore brief{.options = {.ttl_ms = 60'000}};
  on.execute(op::with(Op::Kind::kCreate, "b", brief));
  int stored = 0;
  while (this->code(op::put("b", "first " + std::to_string(stored), "v")) == StatusCode::kOk)
    ++stored;
  EXPECT_GT(stored, 500);
  this->pass_time(seconds{120});
  for (int i = 0; i < stored; ++i) {
    ASSERT_EQ(this->code(op::put("b", "other " + std::to_string(i), "v")), StatusCode::kOk) << i;
  }
}

TYPED_TEST(EngineScan, ARevisionFarAheadIsNotRestored) {
  const auto day = std::uint64_t{24 * 3600 * 1000} << kRevisionTimeShift;
  const auto now = this->rev();
  const auto restore = [&](Revision rev) {
    const OpMore more{.changes = {put("beside", "v"), change::restore("k", "v", rev)}};
    return this->code(op::with(Op::Kind::kApply, "b", more));
  };
  EXPECT_EQ(restore(now + 2 * day), StatusCode::kInvalidArgument);
  EXPECT_EQ(this->driver_->execute(op::get("b", "beside")).value, std::nullopt);
  EXPECT_EQ(restore(limits::kRevisionMax), StatusCode::kInvalidArgument);
  EXPECT_EQ(restore(now + day / 2), StatusCode::kOk);
}

TYPED_TEST(EngineScan, KeysLiveAsLongAsTheirBucketSays) {
  auto& on = *this->driver_;
  const OpMore hour{.options = {.ttl_ms = 3'600'000}};
  EXPECT_EQ(this->code(op::with(Op::Kind::kCreate, "brief", hour)), StatusCode::kOk);
  EXPECT_EQ(this->code(op::with(Op::Kind::kCreate, "b", hour)), StatusCode::kOk);
  const auto options = [&](std::string_view bucket, const BucketOptions& change) {
    const OpMore more{.options = change};
    return on.execute(op::with(Op::Kind::kOptions, bucket, more)).template get<BucketOptions>();
  };
  EXPECT_EQ(options("b", {}), BucketOptions{}) << "it was there before";
  EXPECT_EQ(options("brief", {}), hour.options);
  const auto ttl_of = [&](std::string_view key) {
    const OpMore more{.keys = {key}};
    const auto read = on.execute(op::with(Op::Kind::kRead, "brief", more)).template get<Entries>();
    return read.entries.at(0).value_or(Entry{}).ttl_ms.value_or(0);
  };
  on.execute(op::put("brief", "put", "v"));
  const OpMore changes{.changes = {put("applied", "v"), add("added", 1), put("own", "v", 1000),
                                   change::restore("restored", "v", 1)}};
  on.execute(op::with(Op::Kind::kApply, "brief", changes));
  for (const auto* key : {"put", "applied", "added"}) {
    EXPECT_GT(ttl_of(key), 3'500'000U) << key;
    EXPECT_LE(ttl_of(key), 3'600'000U) << key;
  }
  EXPECT_LE(ttl_of("own"), 1000U);
  EXPECT_EQ(ttl_of("restored"), 0U) << "as it was";
  this->pass_time(seconds{60});
  const OpMore more{.changes = {add("added", 1), touch("applied", std::nullopt)}};
  on.execute(op::with(Op::Kind::kApply, "brief", more));
  EXPECT_LE(ttl_of("added"), 3'540'000U) << "an addition leaves it as it was";
  EXPECT_EQ(ttl_of("applied"), 0U) << "for ever, by a word of its own";
  EXPECT_EQ(options("brief", {.ttl_ms = 0}), BucketOptions{});
  on.execute(op::put("brief", "put", "v"));
  EXPECT_EQ(ttl_of("put"), 0U);
}

TYPED_TEST(EngineScan, PassesOverKeysThatHaveExpired) {
  this->apply({put("1", "v", 1000), put("2", "v"), put("3", "v", 5000)});
  EXPECT_EQ(this->all_keys("", 1), (Keys{"1", "2", "3"}));
  this->pass_time(seconds{2});
  const auto page = this->scan("", {.items_max = 9, .bytes_max = 99});
  EXPECT_EQ(this->keys(page), (Keys{"2", "3"}));
  ASSERT_TRUE(page.items[1].entry.ttl_ms);
  EXPECT_LE(*page.items[1].entry.ttl_ms, 3000U);
  EXPECT_EQ(page.items[0].entry.ttl_ms, std::nullopt);
}

TYPED_TEST(EngineScan, ARepeatedIdGetsTheFirstAnswer) {
  const auto first = this->apply({add("n", 5), put("k", "v")}, id('a'));
  const auto again = this->apply({add("n", 5), put("k", "w")}, id('a'));
  EXPECT_EQ(again, first);
  EXPECT_EQ(this->rev(), first.rev) << "nothing was changed again";
  EXPECT_EQ(this->driver_->execute(op::get("b", "n")).value, "5");
  EXPECT_EQ(this->apply({add("n", 5)}, id('b')).each[0].number, 10);
  EXPECT_EQ(this->apply({add("n", 5)}).each[0].number, 15);
  EXPECT_EQ(this->apply({add("n", 5)}, id('b')).each[0].number, 10) << "not what is stored now";
}

TYPED_TEST(EngineScan, ACheckThatFailsUsesUpNoId) {
  const OpMore wrong{.checks = {{"k", 7}}, .changes = {put("k", "v")}, .once = "0123456789abcdef"};
  EXPECT_TRUE(this->driver_->execute(op::with(Op::Kind::kApply, "b", wrong))
                  .template get<Applied>()
                  .failed);
  EXPECT_FALSE(this->apply({put("k", "v")}, wrong.once).failed);
}

TYPED_TEST(EngineScan, IdsAreForgottenAfterAMinuteOrAThousandOthers) {
  const auto before = this->engine_->usage().bytes;
  this->apply({add("n", 1)}, id('a'));
  this->pass_time(seconds{59});
  this->driver_->tick();
  EXPECT_EQ(this->apply({add("n", 1)}, id('a')).each[0].number, 1);
  this->pass_time(seconds{2});
  this->driver_->tick();
  this->driver_->execute(op::erase("b", "n"));
  EXPECT_LE(this->engine_->usage().bytes, before + 100) << "but for the table";
  EXPECT_EQ(this->apply({add("n", 1)}, id('a')).each[0].number, 1);
  for (int i = 0; i < 1000; ++i) {
    auto other = id('x');
    other.replace(0, 4, std::to_string(1000 + i));
    this->apply({}, other);
  }
  EXPECT_EQ(this->apply({add("n", 1)}, id('a')).each[0].number, 2);
}

TYPED_TEST(EngineScan, ChangesAreToldInTheirOrder) {
  const auto start = this->changes(0);
  EXPECT_TRUE(start.reset) << "what was before is not remembered";
  EXPECT_EQ(start.next, this->rev());
  const auto none = this->changes(start.next);
  EXPECT_EQ(none, (Events{false, start.next, {}, none.now}));

  this->driver_->execute(op::put("b", "k", "1"));
  this->apply({put("l", "2", 1000), add("n", 7), erase("k"), erase("never there")});
  this->apply({touch("l", 5000)});
  this->driver_->execute(op::erase("b", "n"));
  this->driver_->execute(op::erase("b", "n"));
  auto news = this->changes(start.next);
  EXPECT_FALSE(news.reset);
  EXPECT_EQ(this->told(news), (Keys{"0 k", "0 l", "0 n", "1 k", "2 l", "1 n"}));
  EXPECT_EQ(news.next, this->rev());
  EXPECT_EQ(news.events[0].value, "1");
  EXPECT_EQ(news.events[2].value, "7");
  EXPECT_EQ(news.events[1].rev, news.events[3].rev) << "they were made together";
  EXPECT_GT(*news.events[4].ttl_ms(news.now), 4000U);
  EXPECT_EQ(news.events[0].ttl_ms(news.now), std::nullopt);
  EXPECT_TRUE(this->changes(news.next).events.empty());
  EXPECT_EQ(this->told(this->changes(start.next, "l")), (Keys{"0 l", "2 l"}));

  this->pass_time(seconds{6});
  this->driver_->tick();
  EXPECT_EQ(this->told(this->changes(news.next)), (Keys{"3 l"}));
}

TYPED_TEST(EngineScan, APageOfChangesNeverEndsWithinARevision) {
  const auto start = this->changes(0).next;
  this->apply({put("1", "a"), put("2", "a")});
  this->apply({put("3", "a"), put("4", "a"), put("5", "a")});
  this->apply({put("6", "a")});
  auto page = this->changes(start, {}, 1);
  EXPECT_EQ(this->told(page), (Keys{"0 1", "0 2"})) << "those of one revision at least";
  page = this->changes(page.next, {}, 3);
  EXPECT_EQ(this->told(page), (Keys{"0 3", "0 4", "0 5"}));
  page = this->changes(page.next, {}, 3, 1);
  EXPECT_EQ(this->told(page), (Keys{"0 6"}));
  EXPECT_EQ(page.next, this->rev());
}

TYPED_TEST(EngineScan, WhatIsForgottenIsSaid) {
  const auto start = this->changes(0).next;
  const std::string large(400'000, 'x');
  for (int i = 0; i < 4; ++i) this->driver_->execute(op::put("b", std::to_string(i), large));
  const auto news = this->changes(start);
  EXPECT_TRUE(news.reset);
  EXPECT_TRUE(news.events.empty());
  EXPECT_EQ(news.next, this->rev());
  this->driver_->execute(op::put("b", "k", std::string(limits::kValueBytesMax, 'y')));
  EXPECT_EQ(this->told(this->changes(news.next)), (Keys{"0 k"})) << "one change always fits";
  EXPECT_TRUE(this->changes(news.next + (Revision{1} << 50)).reset) << "of another life";
  this->pass_time(seconds{61});
  this->driver_->tick();
  this->driver_->execute(op::put("b", "k", "z"));
  EXPECT_TRUE(this->changes(news.next).reset) << "nobody had asked for a minute";
}

TYPED_TEST(EngineScan, OfANewBucketTheChangesOfTheOldOneAreNotKnown) {
  const auto start = this->changes(0).next;
  this->driver_->execute(op::put("b", "k", "v"));
  this->driver_->execute(op::drop("b"));
  this->driver_->execute(op::create("b"));
  EXPECT_TRUE(this->changes(start).reset);
}

}  // namespace
}  // namespace kvmesh::store
