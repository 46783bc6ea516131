// Revisions, checks and changes of several keys, and keys that expire: what every engine must do.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/engine_suite.h"

namespace kvmesh::store {
namespace {

using std::chrono::milliseconds;

using change::add;
using change::erase;
using change::put;
using change::restore;
using change::touch;

template <typename Made>
class EngineModel : public EngineSuite<Made> {
 protected:
  EngineModel() { EXPECT_EQ(this->code(op::create("b")), StatusCode::kOk); }

  Applied apply(const std::vector<Check>& checks, const std::vector<Change>& changes) {
    return apply({.checks = checks, .changes = changes});
  }
  Applied apply(const OpMore& more) {
    const auto ended = this->driver_->execute(op::with(Op::Kind::kApply, "b", more));
    EXPECT_EQ(ended.code, StatusCode::kOk);
    return ended.template get<Applied>();
  }
  Applied apply(const std::vector<Change>& changes) { return apply({}, changes); }
  StatusCode refused(const std::vector<Change>& changes) {
    const OpMore more{.changes = changes};
    return this->driver_->execute(op::with(Op::Kind::kApply, "b", more)).code;
  }
  Entries read(const std::vector<std::string_view>& keys) {
    const OpMore more{.keys = keys};
    return this->driver_->execute(op::with(Op::Kind::kRead, "b", more)).template get<Entries>();
  }
  std::optional<Entry> read_one(std::string_view key) {
    const auto all = read({key});
    return all.entries.size() == 1 ? all.entries[0] : std::nullopt;
  }
  std::optional<std::string> value_of(std::string_view key) {
    const auto entry = read_one(key);
    return entry ? std::optional{entry->value} : std::nullopt;
  }
  Revision rev_of(std::string_view key) { return read_one(key).value_or(Entry{}).rev; }
  void pass_time(milliseconds time) { this->now_ += time; }
};
TYPED_TEST_SUITE(EngineModel, Engines);

TYPED_TEST(EngineModel, EachChangeHasItsRevisionAndTheyOnlyGrow) {
  auto& on = *this->driver_;
  Revision last = this->read({}).rev;
  EXPECT_GT(last, 0U) << "a bucket begins with one";
  const auto expect_greater = [&] {
    const auto rev = this->read({}).rev;
    EXPECT_GT(rev, last);
    last = rev;
  };
  on.execute(op::put("b", "k", "1"));
  expect_greater();
  EXPECT_EQ(this->rev_of("k"), last);
  on.execute(op::put("b", "k", "2"));
  expect_greater();
  on.execute(op::put("b", "other", "of another size"));
  EXPECT_LT(this->rev_of("k"), this->rev_of("other"));
  expect_greater();
  on.execute(op::erase("b", "k"));
  expect_greater();
  on.execute(op::erase("b", "k"));
  on.execute(op::create("b"));
  on.execute(op::get("b", "other"));
  EXPECT_EQ(this->read({}).rev, last) << "nothing was changed";
  on.execute(op::drop("b"));
  on.execute(op::create("b"));
  expect_greater();
}

TYPED_TEST(EngineModel, ARevisionBeginsWithTheTime) {
  this->pass_time(std::chrono::hours{1});
  const auto rev = this->apply({put("k", "v")}).rev;
  const auto hour = std::uint64_t{3601} * 1000 << 12;
  EXPECT_GE(rev, hour);
  EXPECT_LT(rev, hour + (std::uint64_t{100} << 12));
}

TYPED_TEST(EngineModel, ChangesAreMadeTogetherUnderOneRevision) {
  this->apply({put("old", "1"), put("gone", "2"), put("number", "41")});
  const auto applied = this->apply({put("new", "3"), put("old", "a longer value than before"),
                                    erase("gone"), erase("never there"), add("number", 1),
                                    add("counter", -7), touch("never there either", 1000)});
  const std::vector<Applied::Each> each{{false, {}}, {true, {}},  {true, {}}, {false, {}},
                                        {true, 42},  {false, -7}, {false, {}}};
  EXPECT_EQ(applied.each, each);
  EXPECT_EQ(applied.failed, std::nullopt);
  const auto now = this->read({"new", "old", "gone", "number", "counter", "never there either"});
  EXPECT_EQ(now.rev, applied.rev);
  const Entry at{applied.rev, "3", std::nullopt};
  EXPECT_EQ(now.entries[0], at);
  EXPECT_EQ(now.entries[1], (Entry{applied.rev, "a longer value than before", std::nullopt}));
  EXPECT_EQ(now.entries[2], std::nullopt);
  EXPECT_EQ(now.entries[3], (Entry{applied.rev, "42", std::nullopt}));
  EXPECT_EQ(now.entries[4], (Entry{applied.rev, "-7", std::nullopt}));
  EXPECT_EQ(now.entries[5], std::nullopt);
  EXPECT_EQ(this->driver_->execute(op::count("b")).count, 4U);
  EXPECT_EQ(this->engine_->usage().keys, 4U);
}

TYPED_TEST(EngineModel, AFailedCheckChangesNothingAndSaysWhich) {
  this->apply({put("k", "1")});
  const auto rev = this->rev_of("k");
  EXPECT_EQ(this->apply({{"k", rev}, {"new", 0}}, {put("k", "2"), put("new", "n")}).failed,
            std::nullopt);
  const auto now = this->rev_of("k");
  const auto failed = this->apply({{"new", now}, {"k", rev}, {"new", 0}},
                                  {put("k", "3"), put("third", "t"), erase("new")});
  EXPECT_EQ(failed.failed, 1U);
  EXPECT_EQ(failed.failed_rev, now);
  EXPECT_EQ(failed.rev, now);
  EXPECT_TRUE(failed.each.empty());
  EXPECT_EQ(this->value_of("k"), "2");
  EXPECT_EQ(this->value_of("third"), std::nullopt);
  EXPECT_EQ(this->value_of("new"), "n");
  const auto absent = this->apply({{"third", now}}, {put("third", "t")});
  EXPECT_EQ(absent.failed, 0U);
  EXPECT_EQ(absent.failed_rev, 0U) << "there is no such key";
  EXPECT_EQ(this->apply({{"k", now}}, {}).failed, std::nullopt) << "checks alone";
  EXPECT_EQ(this->read({}).rev, now);
}

TYPED_TEST(EngineModel, WhatIsNoNumberIsNotAddedTo) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  this->apply({put("most", std::to_string(kMost)), put("least", std::to_string(kLeast))});
  for (const auto* value : {"", "x", "1x", " 1", "1 ", "+1", "1.0", "0x1", "9223372036854775808"}) {
    this->apply({put("text", value)});
    const auto before = this->read({"text", "other"});
    EXPECT_EQ(this->refused({put("other", "1"), add("text", 1)}), StatusCode::kInvalidArgument)
        << value;
    EXPECT_EQ(this->read({"text", "other"}), before) << "nothing was changed";
  }
  EXPECT_EQ(this->refused({add("most", 1)}), StatusCode::kInvalidArgument);
  EXPECT_EQ(this->refused({add("least", -1)}), StatusCode::kInvalidArgument);
  EXPECT_EQ(this->apply({add("most", kLeast)}).each[0].number, -1);
  EXPECT_EQ(this->apply({add("least", kMost)}).each[0].number, -1);
  this->apply({put("zeros", "007")});
  EXPECT_EQ(this->apply({add("zeros", 1)}).each[0].number, 8);
}

TYPED_TEST(EngineModel, AKeyIsNotThereOnceItsTimeIsOver) {
  auto& on = *this->driver_;
  this->apply({put("brief", "v", 1000), put("stays", "v")});
  const auto left = this->read_one("brief").value_or(Entry{}).ttl_ms.value_or(0);
  EXPECT_GT(left, 900U);
  EXPECT_LE(left, 1000U);
  EXPECT_EQ(this->read_one("stays")->ttl_ms, std::nullopt);
  const auto rev = this->rev_of("brief");
  this->pass_time(milliseconds{1001});
  EXPECT_EQ(this->value_of("brief"), std::nullopt);
  EXPECT_EQ(on.execute(op::get("b", "brief")).value, std::nullopt);
  EXPECT_EQ(this->names(op::keys("b", {{}, 10, 100})), std::vector<std::string>{"stays"});
  EXPECT_EQ(this->apply({{"brief", rev}}, {}).failed, 0U);
  EXPECT_EQ(this->apply({{"brief", 0}}, {}).failed, std::nullopt);
  EXPECT_GT(this->read({}).rev, rev) << "its end is a change";
}

TYPED_TEST(EngineModel, ATickRemovesWhatHasExpired) {
  auto& on = *this->driver_;
  const auto empty = this->engine_->usage().bytes;
  std::vector<std::string> keys;
  for (int i = 0; i < 5000; ++i) keys.push_back("key " + std::to_string(i));
  for (const auto& key : keys) this->apply({put(key, "v", 60'000)});
  EXPECT_EQ(this->engine_->usage().keys, keys.size());
  this->pass_time(milliseconds{59'000 - 2 * 5000 * 10});
  on.tick();
  this->pass_time(milliseconds{61'000 + 2 * 5000 * 10});
  for (int ticks = 0; ticks < 100 && this->engine_->usage().keys > 0; ++ticks) on.tick();
  EXPECT_EQ(this->engine_->usage().keys, 0U);
  EXPECT_EQ(on.execute(op::count("b")).count, 0U);
  EXPECT_EQ(this->engine_->usage().bytes, empty) << "their memory is free";
}

TYPED_TEST(EngineModel, ALaterChangeSaysAnewWhenAKeyExpires) {
  auto& on = *this->driver_;
  this->apply({put("put", "1", 1000), put("overwritten", "1", 1000), put("added", "1", 1000),
               put("touched", "1", 1000), put("kept", "1", 1000), put("given", "1")});
  on.execute(op::put("b", "put", "2"));
  this->apply({put("overwritten", "2", 5000), add("added", 1), touch("touched", std::nullopt),
               add("kept", 1, 9000), touch("given", 2000)});
  this->pass_time(milliseconds{1500});
  on.tick();
  EXPECT_EQ(this->read_one("put"), (Entry{this->rev_of("put"), "2", std::nullopt}));
  EXPECT_EQ(this->value_of("overwritten"), "2");
  EXPECT_EQ(this->value_of("added"), std::nullopt) << "an addition leaves it as it was";
  EXPECT_EQ(this->value_of("touched"), "1");
  EXPECT_EQ(this->read_one("touched")->ttl_ms, std::nullopt);
  EXPECT_EQ(this->value_of("kept"), "2");
  EXPECT_EQ(this->value_of("given"), "1");
  EXPECT_EQ(this->engine_->usage().expiring, 3U) << "overwritten, given and kept";
  this->pass_time(milliseconds{4000});
  on.tick();
  EXPECT_EQ(this->engine_->usage().expiring, 1U);
  EXPECT_EQ(this->value_of("overwritten"), std::nullopt);
  EXPECT_EQ(this->value_of("given"), std::nullopt);
  EXPECT_EQ(this->value_of("kept"), "2");
}

TYPED_TEST(EngineModel, ADroppedBucketTakesItsExpiriesAlong) {
  auto& on = *this->driver_;
  for (int round = 0; round < 3; ++round) {
    this->apply({put("k", "v", 1000), put("other", "v", 2000)});
    on.execute(op::drop("b"));
    on.execute(op::create("b"));
    on.execute(op::put("b", "k", "of the new one"));
    this->pass_time(milliseconds{3000});
    on.tick();
    EXPECT_EQ(this->value_of("k"), "of the new one");
    EXPECT_EQ(this->engine_->usage().keys, 1U);
  }
}

TYPED_TEST(EngineModel, AFullEngineMakesAllChangesOrNone) {
  this->make_engine(20000);
  auto& on = *this->driver_;
  on.execute(op::create("b"));
  const std::string large(3000, 'x');
  const std::string small(100, 'y');
  this->apply({put("old", small), put("other", small)});
  const auto before = this->read({"old", "other", "1", "2", "3", "4", "5", "6"});
  const auto bytes = this->engine_->usage().bytes;
  EXPECT_EQ(this->refused({put("1", large), put("old", large), put("2", large), erase("other"),
                           put("3", large), put("4", large), put("5", large), put("6", large)}),
            StatusCode::kFull);
  EXPECT_EQ(this->read({"old", "other", "1", "2", "3", "4", "5", "6"}), before);
  EXPECT_EQ(this->engine_->usage().keys, 2U);
  EXPECT_LE(this->engine_->usage().bytes, bytes + 64) << "but for a table that has grown";
  EXPECT_EQ(this->apply({put("1", large), put("old", large), erase("other")}).failed, std::nullopt);
  EXPECT_EQ(this->value_of("1"), large);
}

TYPED_TEST(EngineModel, OneReadHoldsNoMoreThanAReply) {
  const std::string large(limits::kValueBytesMax, 'x');
  this->apply({put("1", large), put("2", large)});
  EXPECT_EQ(this->value_of("1"), large);
  const OpMore both{.keys = {"1", "2"}};
  EXPECT_EQ(this->code(op::with(Op::Kind::kRead, "b", both)), StatusCode::kTooLarge);
}

TYPED_TEST(EngineModel, WithoutABucketNothingIsReadOrChanged) {
  const OpMore more{.keys = {"k"}, .changes = {put("k", "v")}};
  for (const auto kind : {Op::Kind::kRead, Op::Kind::kApply, Op::Kind::kScan, Op::Kind::kChanges}) {
    EXPECT_EQ(this->code(op::with(kind, "other", more, {.items_max = 1})), StatusCode::kNotFound);
  }
}

TYPED_TEST(EngineModel, ARestoredKeyIsAsItWasAndTheBucketGoesOn) {
  using Keep = Change::Keep;
  this->apply({put("there", "now")});
  const auto rev = this->rev_of("there");
  const auto early = this->apply({restore("old", "v", 7, Keep::kNone, 5000)});
  EXPECT_GT(early.rev, rev) << "its change is one of the bucket's";
  EXPECT_EQ(this->rev_of("old"), 7U);
  EXPECT_LE(this->read_one("old")->ttl_ms.value_or(9999), 5000U);
  const auto late = this->apply({restore("future", "a value", rev << 3), put("with it", "v")});
  EXPECT_EQ(late.rev, rev << 3) << "no key is ahead of its bucket";
  EXPECT_EQ(this->rev_of("with it"), late.rev);
  EXPECT_GT(this->apply({put("next", "v")}).rev, late.rev);

  const auto kept = this->apply({restore("there", "then", 5, Keep::kAll),
                                 restore("old", "then", 7, Keep::kNotOlder),
                                 restore("absent", "then", 5, Keep::kAll)});
  EXPECT_EQ(kept.each, (std::vector<Applied::Each>{{true, {}}, {true, {}}, {false, {}}}));
  EXPECT_EQ(this->read_one("there"), (Entry{rev, "now", std::nullopt}));
  EXPECT_EQ(this->value_of("old"), "v");
  EXPECT_EQ(this->value_of("absent"), "then");

  const auto taken = this->apply({restore("there", "a longer one than before", 5, Keep::kNone),
                                  restore("old", "then", 8, Keep::kNotOlder)});
  EXPECT_EQ(taken.each, (std::vector<Applied::Each>{{false, {}}, {false, {}}}));
  EXPECT_EQ(this->read_one("there"), (Entry{5, "a longer one than before", std::nullopt}));
  EXPECT_EQ(this->read_one("old"), (Entry{8, "then", std::nullopt})) << "it expires no more";
  EXPECT_EQ(this->apply({{"there", 5}}, {put("there", "checked")}).failed, std::nullopt);

  const auto before = this->read({});
  EXPECT_EQ(this->apply({restore("there", "x", 1, Keep::kAll)}).rev, before.rev)
      << "nothing was changed";
  EXPECT_EQ(this->read({}), before);
}

// A plain map beside it.
TYPED_TEST(EngineModel, ARandomLifeIsThatOfAMap) {
  struct Kept {
    std::string value;
    Revision rev = 0;
  };
  std::mt19937_64 random{20261127};
  const auto below = [&](std::uint64_t most) { return random() % most; };
  std::map<std::string, Kept, std::less<>> model;
  std::vector<std::string> keys;
  for (int i = 0; i < 12; ++i) keys.push_back("k" + std::to_string(i));
  Revision last = 0;
  for (int round = 0; round < 3000; ++round) {
    std::shuffle(keys.begin(), keys.end(), random);
    std::vector<Check> checks;
    bool holds = true;
    for (std::size_t i = 0; i < below(4); ++i) {
      const auto& key = keys[below(keys.size())];
      const auto there = model.find(key);
      const Revision rev = there == model.end() ? 0 : there->second.rev;
      const bool right = below(5) != 0;
      holds &= right;
      checks.push_back({key, right ? rev : rev + 1});
    }
    auto after = model;
    std::vector<Change> changes;
    std::vector<std::string> values(keys.size());
    bool is_sound = true;
    for (std::size_t i = 0; i < below(7); ++i) {
      const auto& key = keys[i];
      switch (below(5)) {
        case 3: {
          const auto there = model.find(key);
          const Revision rev = 1 + below(last + 2);
          const auto keep = static_cast<Change::Keep>(below(3));
          values[i] = "restored";
          changes.push_back(restore(key, values[i], rev, keep));
          const bool keeps = there != model.end() &&
                             (keep == Change::Keep::kAll ||
                              (keep == Change::Keep::kNotOlder && there->second.rev >= rev));
          if (!keeps) after[key] = {values[i], rev};
          break;
        }
        case 0:
        case 1:
          values[i] = below(3) == 0 ? std::to_string(below(100)) : std::string(below(60), 'v');
          changes.push_back(put(key, values[i]));
          after[key] = {values[i], 0};
          break;
        case 2:
          changes.push_back(erase(key));
          after.erase(key);
          break;
        default: {
          auto& kept = after[key];
          const bool is_number = model.find(key) == model.end() ||
                                 (!kept.value.empty() &&
                                  kept.value.find_first_not_of("0123456789") == std::string::npos);
          is_sound &= is_number;
          changes.push_back(add(key, 3));
          if (is_number) {
            kept.value = std::to_string((kept.value.empty() ? 0 : std::stoll(kept.value)) + 3);
          }
          kept.rev = 0;
        }
      }
    }
    const OpMore more{.checks = checks, .changes = changes};
    const auto ended = this->driver_->execute(op::with(Op::Kind::kApply, "b", more));
    const auto applied = ended.template get<Applied>();
    if (!holds) {
      ASSERT_TRUE(ended.found && applied.failed);
    } else if (!is_sound) {
      ASSERT_EQ(ended.code, StatusCode::kInvalidArgument);
    } else {
      ASSERT_TRUE(ended.found && !applied.failed) << round;
      ASSERT_GE(applied.rev, last);
      last = applied.rev;
      for (const auto& change : changes) {
        const auto changed = after.find(change.key);
        if (changed != after.end() && changed->second.rev == 0) changed->second.rev = last;
      }
      model = std::move(after);
    }
    const auto now = this->read({keys.begin(), keys.end()});
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto there = model.find(keys[i]);
      const auto expected =
          there == model.end()
              ? std::nullopt
              : std::optional{Entry{there->second.rev, there->second.value, std::nullopt}};
      ASSERT_EQ(now.entries[i], expected) << "round " << round << ", " << keys[i];
    }
    ASSERT_EQ(this->engine_->usage().keys, model.size());
  }
}

}  // namespace
}  // namespace kvmesh::store
