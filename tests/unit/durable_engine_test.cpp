// What a durable engine promises, over crashes of which nobody knows when.

#include "node/durable/durable_engine.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "node/sim/sim_log.h"
#include "tests/unit/engine_driver.h"

namespace kvmesh::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kSync{10};

class DurableEngineTest : public testing::Test {
 protected:
  DurableEngineTest() { start(); }

  void start() {
    sim::SimLog::Options options;
    options.clock = [this] { return now_; };
    options.until_synced = [] { return kSync; };
    auto log = std::make_unique<sim::SimLog>(disk_, std::move(options));
    log_ = log.get();
    engine_ = std::make_unique<durable::DurableEngine>(
        durable::DurableEngine::Options{.bytes_max = std::uint64_t{64} << 20, .reads = reads_},
        std::move(log));
    disk_->restore(engine_->memory(), now_);
    driver_ = std::make_unique<EngineDriver>(*engine_, now_);
  }
  // Of what is not synced, this many groups are there all the same.
  void crash(std::size_t kept = 0) {
    (void)log_->durable();  // what the disk has by now
    driver_->forget();
    driver_.reset();
    engine_.reset();
    disk_->crash(kept);
    start();
  }
  // Whether what was submitted has ended.
  bool has_ended(std::size_t place) {
    driver_->pass();
    return driver_->ended()[place].has_value();
  }
  void store(std::string_view key, std::string_view value) {
    EXPECT_EQ(driver_->execute(op::put("b", key, value)).code, StatusCode::kOk);
  }
  std::optional<std::string> value_of(std::string_view key) {
    return driver_->execute(op::get("b", key)).value;
  }
  Applied apply(const OpMore& more) {
    return driver_->execute(op::with(Op::Kind::kApply, "b", more)).get<Applied>();
  }
  Revision rev() {
    const OpMore none;
    return driver_->execute(op::with(Op::Kind::kRead, "b", none)).get<Entries>().rev;
  }

  TimePoint now_{seconds{1000}};
  durable::DurableEngine::Reads reads_ = durable::DurableEngine::Reads::kDurable;
  std::shared_ptr<sim::SimDisk> disk_ = std::make_shared<sim::SimDisk>();
  sim::SimLog* log_ = nullptr;
  std::unique_ptr<durable::DurableEngine> engine_;
  std::unique_ptr<EngineDriver> driver_;
};

TEST_F(DurableEngineTest, NobodyIsToldBeforeItIsDurable) {
  driver_->execute(op::create("b"));
  const auto first = driver_->ended().size();
  driver_->submit({op::put("b", "k", "v"), op::get("b", "k"), op::get("b", "other")});
  EXPECT_FALSE(has_ended(first));
  EXPECT_FALSE(has_ended(first + 1)) << "a read of what may be gone after a crash";
  EXPECT_TRUE(has_ended(first + 2)) << "of another key";
  now_ += kSync;
  EXPECT_TRUE(has_ended(first));
  EXPECT_TRUE(has_ended(first + 1));
  EXPECT_EQ(driver_->ended()[first + 1]->value, "v");
  driver_->forget();
}

TEST_F(DurableEngineTest, ReadsDoNotWaitForTheSameKeyOfAnotherBucket) {
  for (const auto* bucket : {"a", "b", "c"}) driver_->execute(op::create(bucket));
  now_ += kSync;
  driver_->pass();
  const auto first = driver_->ended().size();
  driver_->submit({op::put("a", "k", "v"), op::put("b", "other", "v"), op::get("b", "k"),
                   op::get("c", "k"), op::get("a", "k")});
  EXPECT_TRUE(has_ended(first + 2)) << "of a bucket that is written to";
  EXPECT_TRUE(has_ended(first + 3)) << "of one that is not";
  EXPECT_FALSE(has_ended(first + 4));
  now_ += kSync;
  EXPECT_TRUE(has_ended(first + 4));
  driver_->forget();
}

TEST_F(DurableEngineTest, ReadsOfABucketWaitForAllOfIt) {
  driver_->execute(op::create("b"));
  const OpMore more{.keys = {"other"}};
  driver_->submit({op::put("b", "k", "v"), op::count("b"), op::with(Op::Kind::kRead, "b", more),
                   op::keys("b", {.items_max = 9, .bytes_max = 99}),
                   op::with(Op::Kind::kScan, "b", more, {.items_max = 9, .bytes_max = 99}),
                   op::drop("b"), op::get("b", "k"),
                   op::buckets({.items_max = 9, .bytes_max = 99})});
  for (std::size_t i = 1; i < driver_->ended().size(); ++i) EXPECT_FALSE(has_ended(i)) << i;
  now_ += kSync;
  for (std::size_t i = 1; i < driver_->ended().size(); ++i) EXPECT_TRUE(has_ended(i)) << i;
  driver_->forget();
}

TEST_F(DurableEngineTest, WhoWantsItReadsWhatMayBeGone) {
  reads_ = durable::DurableEngine::Reads::kUndurable;
  crash();
  driver_->execute(op::create("b"));
  driver_->submit({op::put("b", "k", "v"), op::get("b", "k")});
  EXPECT_FALSE(has_ended(1));
  EXPECT_TRUE(has_ended(2));
  driver_->forget();
}

TEST_F(DurableEngineTest, WhatWasToldIsThereAfterACrash) {
  driver_->execute(op::create("b"));
  driver_->execute(op::create("dropped"));
  store("k", "v");
  store("erased", "v");
  driver_->execute(op::erase("b", "erased"));
  driver_->execute(op::drop("dropped"));
  apply({.changes = {change::put("1", "a"), change::add("n", 7)}});
  const auto rev_before = rev();
  driver_->submit({op::put("b", "k", "never told")});
  crash();
  EXPECT_EQ(value_of("k"), "v");
  EXPECT_EQ(value_of("erased"), std::nullopt);
  EXPECT_EQ(value_of("n"), "7");
  EXPECT_EQ(driver_->execute(op::get("dropped", "k")).code, StatusCode::kNotFound);
  EXPECT_EQ(engine_->usage().keys, 3U);
  EXPECT_GE(rev(), rev_before);
  store("k", "new");
  crash();
  EXPECT_EQ(value_of("k"), "new") << "places begin anew";
}

TEST_F(DurableEngineTest, RevisionsDoNotGoBackThoughTheClockDoes) {
  driver_->execute(op::create("b"));
  store("k", "v");
  driver_->execute(op::erase("b", "k"));
  const auto before = rev();
  now_ = TimePoint{seconds{5}};
  crash();
  EXPECT_GE(rev(), before);
  driver_->execute(op::drop("b"));
  driver_->execute(op::create("b"));
  EXPECT_GT(rev(), before);
}

TEST_F(DurableEngineTest, WhatWasRestoredKeepsItsRevisionOverACrash) {
  driver_->execute(op::create("b"));
  store("there", "now");
  const auto before = rev();
  apply({.changes = {change::restore("k", "v", 7),
                     change::restore("there", "then", 5, Change::Keep::kAll),
                     change::restore("ahead", "v", before + 100'000'000)}});
  crash();
  const OpMore more{.keys = {"k", "there", "ahead"}};
  const auto read = driver_->execute(op::with(Op::Kind::kRead, "b", more)).get<Entries>();
  ASSERT_EQ(read.entries.size(), 3U);
  EXPECT_EQ(read.entries[0], (Entry{7, "v", std::nullopt}));
  EXPECT_EQ(read.entries[1], (Entry{before, "now", std::nullopt}));
  EXPECT_EQ(read.entries[2], (Entry{before + 100'000'000, "v", std::nullopt}));
  EXPECT_GE(read.rev, before + 100'000'000);
}

TEST_F(DurableEngineTest, OptionsOfABucketAreThereAfterACrash) {
  const OpMore first{.options = {.ttl_ms = 5000, .history_bytes = 4096}};
  driver_->execute(op::with(Op::Kind::kCreate, "b", first));
  crash();
  const OpMore change{.options = {.ttl_ms = 0}};
  const auto options = [&](const OpMore& more) {
    return driver_->execute(op::with(Op::Kind::kOptions, "b", more)).get<BucketOptions>();
  };
  EXPECT_EQ(options({}), first.options);
  EXPECT_EQ(options(change), (BucketOptions{.history_bytes = 4096}));
  store("k", "v");
  crash();
  EXPECT_EQ(options({}), (BucketOptions{.history_bytes = 4096}));
  EXPECT_EQ(value_of("k"), "v");
}

TEST_F(DurableEngineTest, ACallIsExecutedOnceOverACrash) {
  driver_->execute(op::create("b"));
  const OpMore add{.changes = {change::add("n", 5)}, .once = "0123456789abcdef"};
  const auto first = apply(add);
  crash();
  EXPECT_EQ(apply(add), first);
  EXPECT_EQ(value_of("n"), "5");
  now_ += seconds{61};
  driver_->tick();
  crash();
  EXPECT_EQ(apply(add).each[0].number, 10) << "it is forgotten";
}

TEST_F(DurableEngineTest, AfterACrashTheOldestIdsAreForgottenFirst) {
  driver_->execute(op::create("b"));
  const auto id = [](int number) {
    auto text = std::to_string(9999 - number);  // names in the reverse order of time
    return text + std::string(limits::kOnceIdBytes - text.size(), '.');
  };
  const auto call = [&](int number) {
    const auto name = id(number);
    return apply({.changes = {change::add("n", 1)}, .once = name}).each[0].number;
  };
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(call(i), i + 1);
  crash();
  for (int i = 1000; i < 1005; ++i) ASSERT_EQ(call(i), i + 1);
  EXPECT_EQ(call(999), 1000) << "one of the youngest";
  EXPECT_EQ(call(0), 1006) << "one of the oldest";
}

TEST_F(DurableEngineTest, AnIdThatIsUsedAgainAfterItsTimeIsKnownOverACrash) {
  driver_->execute(op::create("b"));
  const OpMore add{.changes = {change::add("n", 5)}, .once = "0123456789abcdef"};
  apply(add);
  now_ += seconds{61};  // and no tick
  EXPECT_EQ(apply(add).each[0].number, 10);
  crash();
  EXPECT_EQ(apply(add).each[0].number, 10);
}

TEST_F(DurableEngineTest, KeysExpireThoughTheNodeWasAway) {
  driver_->execute(op::create("b"));
  apply({.changes = {change::put("soon", "v", 1000), change::put("later", "v", 60'000)}});
  now_ += seconds{2};
  crash();
  EXPECT_EQ(value_of("soon"), std::nullopt);
  EXPECT_EQ(value_of("later"), "v");
  driver_->tick();
  EXPECT_EQ(engine_->usage().keys, 1U);
  now_ += kSync;
  crash();
  EXPECT_EQ(engine_->usage().keys, 1U) << "its end was written down";
}

TEST_F(DurableEngineTest, FollowersAreToldOfWhatIsDurableOnly) {
  driver_->execute(op::create("b"));
  const OpMore start;
  const PageLimits page{.items_max = 9, .bytes_max = 99};
  const auto since = driver_->execute(op::with(Op::Kind::kChanges, "b", start, page)).get<Events>();
  const OpMore more{.since = since.next, .wait = seconds{10}};
  driver_->submit({op::with(Op::Kind::kChanges, "b", more, page), op::put("b", "k", "v")});
  EXPECT_FALSE(has_ended(1));
  now_ += kSync;
  ASSERT_TRUE(has_ended(1));
  EXPECT_EQ(driver_->ended()[1]->get<Events>().events.size(), 1U);
  driver_->submit({op::with(Op::Kind::kChanges, "b", start, page), op::drop("b")});
  crash();
  const auto again = driver_->execute(op::with(Op::Kind::kChanges, "b", more, page)).get<Events>();
  EXPECT_TRUE(again.reset) << "the changes before a crash are not remembered";
}

TEST_F(DurableEngineTest, AfterAFailureNothingIsStoredAndTheRestIsRead) {
  driver_->execute(op::create("b"));
  store("k", "v");
  driver_->submit({op::put("b", "other", "w"), op::get("b", "other")});
  log_->fail();
  now_ += kSync;
  ASSERT_TRUE(has_ended(1));
  EXPECT_EQ(driver_->ended()[1]->code, StatusCode::kOutcomeUnknown);
  EXPECT_EQ(driver_->ended()[2]->code, StatusCode::kUnavailable);
  driver_->forget();
  EXPECT_EQ(driver_->execute(op::put("b", "k", "x")).code, StatusCode::kUnavailable);
  EXPECT_EQ(driver_->execute(op::erase("b", "k")).code, StatusCode::kUnavailable);
  EXPECT_EQ(driver_->execute(op::create("c")).code, StatusCode::kUnavailable);
  EXPECT_EQ(driver_->execute(op::drop("b")).code, StatusCode::kUnavailable);
  const OpMore more{.changes = {change::put("k", "x")}, .wait = seconds{10}};
  EXPECT_EQ(driver_->execute(op::with(Op::Kind::kApply, "b", more)).code, StatusCode::kUnavailable)
      << "not executed, though the bucket has changes that are not durable";
  driver_->submit({op::with(Op::Kind::kChanges, "b", more, {.items_max = 9, .bytes_max = 99}),
                   op::get("b", "k")});
  EXPECT_TRUE(has_ended(driver_->ended().size() - 1));
  EXPECT_EQ(driver_->ended().back()->code, StatusCode::kOk) << "what another has seen is not its";
  driver_->forget();
  EXPECT_EQ(value_of("k"), "v") << "it was not changed either";
  crash(1);
  EXPECT_EQ(value_of("other"), "w") << "it was written, and nobody knew";
}

// A plain map beside it, and its history: after a crash the engine is what it was after one of the
// changes, and not before any that somebody was told of.
TEST_F(DurableEngineTest, AfterACrashItIsAsItWasAtSomeMomentAfterAllThatWasTold) {
  using Model = std::map<std::string, std::string, std::less<>>;
  std::mt19937_64 random{20261128};
  driver_->execute(op::create("b"));
  Model model;
  for (int life = 0; life < 200; ++life) {
    std::vector<Model> history{model};           // after so many changes
    std::map<std::string, std::size_t> changed;  // which change was the key's last
    std::vector<std::pair<std::size_t, std::size_t>>
        promised;  // when that one has ended, this many changes are there
    const auto first = driver_->ended().size();
    const auto count = random() % 40;
    std::size_t submitted = first;
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto key = "k" + std::to_string(random() % 5);
      auto next = history.back();
      switch (random() % 4) {
        case 0: {
          const auto value = std::to_string(random());
          next[key] = value;
          driver_->submit({op::put("b", key, value)});
          history.push_back(next);
          changed[key] = history.size() - 1;
          promised.emplace_back(submitted++, history.size() - 1);
          break;
        }
        case 1: {
          const bool is_there = next.erase(key) > 0;
          driver_->submit({op::erase("b", key)});
          if (is_there) {
            history.push_back(next);
            changed[key] = history.size() - 1;
          }
          promised.emplace_back(submitted++, changed[key]);
          break;
        }
        case 2: {
          const auto other = "o" + std::to_string(random() % 3);
          next[key] = "both";
          next[other] = "both";
          const OpMore more{.changes = {change::put(key, "both"), change::put(other, "both")}};
          driver_->submit({op::with(Op::Kind::kApply, "b", more)});
          history.push_back(next);
          changed[key] = changed[other] = history.size() - 1;
          promised.emplace_back(submitted++, history.size() - 1);
          break;
        }
        default:
          driver_->submit({op::get("b", key)});
          promised.emplace_back(submitted++, changed[key]);
      }
      now_ += milliseconds{random() % 4};
      driver_->pass();
    }
    std::size_t least = 0;
    for (const auto& [place, changes] : promised) {
      if (driver_->ended()[place]) least = std::max(least, changes);
    }
    crash(random() % 3);
    Model found;
    const OpMore all{.values = true};
    const auto page =
        driver_->execute(op::with(Op::Kind::kScan, "b", all, {.items_max = 99, .bytes_max = 9999}))
            .get<ScanPage>();
    for (const auto& item : page.items) found[item.key] = item.entry.value;
    bool is_a_moment = false;
    for (auto i = least; i < history.size(); ++i) is_a_moment |= history[i] == found;
    ASSERT_TRUE(is_a_moment) << "life " << life << ", " << least << " of " << history.size() - 1
                             << " changes were told";
    model = found;
  }
}

}  // namespace
}  // namespace kvmesh::store
