// Pages of many names: gathered in slices between other requests, and answered later.

#include "node/modules/kv_module.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <kvmesh/limits.h>

#include "common/rights.h"
#include "common/wire/pack.h"
#include "common/wire/reader.h"
#include "common/wire/record.h"
#include "node/store/memory_engine.h"

namespace kvmesh::modules {
namespace {

constexpr std::uint64_t kKeys = 50'000;
constexpr std::uint64_t kAmpleMemory = std::uint64_t{1} << 30;

class KvPagesTest : public testing::Test, protected core::Effects {
 protected:
  struct Reply {
    std::uint64_t request = 0;
    StatusCode code = StatusCode::kOk;
    std::string text;
    bool more = false;
    std::vector<std::string> names;
  };

  KvPagesTest() {
    kv_.define(modules_);
    EXPECT_TRUE(core_.set_table(RoutingTable{{{ByteRange{}, self_}}}).ok());
    for (const auto* bucket : {"small", "large"}) EXPECT_TRUE(engine_.create(bucket).ok());
    for (const auto* key : {"a", "b"}) EXPECT_TRUE(engine_.put("small", key, "").ok());
    for (std::uint64_t i = 0; i < kKeys; ++i) EXPECT_TRUE(engine_.put("large", key(i), "").ok());
  }

  static std::string key(std::uint64_t number) { return std::to_string(100'000 + number); }

  void ask(std::uint64_t number, Target target, std::string_view function, std::string_view after,
           std::uint64_t timeout_ms = 5000, core::Core* core = nullptr,
           const security::Permit* permit = nullptr) {
    wire::Buffer scratch;
    auto request = wire::make_request(scratch, target, function, [&](wire::Buffer& out) {
      wire::pack_array(out, 2);
      wire::pack_bin(out, after);
      wire::pack_uint(out, 3);
    });
    request.timeout_ms = timeout_ms;
    request.permit = permit;
    core::Origin origin;
    origin.request = RequestId{number};
    (core == nullptr ? core_ : *core).on_request(origin, request, now_);
  }
  void ask_keys(std::uint64_t number, std::string_view bucket, std::string_view after,
                std::uint64_t timeout_ms = 5000, core::Core* core = nullptr) {
    ask(number, {Target::Kind::kBucket, bucket}, "kv.keys", after, timeout_ms, core);
  }
  // How many passes it took until nothing was left.
  int finish() {
    int passes = 1;
    while (passes < 1000 && kv_.pass(core_, now_)) ++passes;
    return passes;
  }
  static std::vector<std::string> three_after(std::uint64_t number) {
    return {key(number + 1), key(number + 2), key(number + 3)};
  }

  const NodeName self_ = *NodeName::parse("foo@h");
  store::MemoryEngine engine_{kAmpleMemory};
  KvModule kv_{engine_};
  core::FunctionRegistry modules_;
  TimePoint now_{};
  std::vector<Reply> replies_;

 private:
  void forward(PeerIndex /*peer*/, const RequestView& /*request*/, RequestId /*id*/,
               TimePoint /*deadline*/, const wire::PathStep& /*step*/) override {
    ADD_FAILURE() << "there is no peer";
  }
  void reply(const core::Origin& origin, const ReplyView& reply) override {
    Reply seen{origin.request.value, reply.code, std::string{reply.text}, false, {}};
    if (reply.code == StatusCode::kOk) {
      wire::Reader in{reply.result};
      EXPECT_EQ(in.read_array(), 2U);
      seen.more = in.read_bool();
      for (auto left = in.read_array(); left > 0; --left) seen.names.emplace_back(in.read_bin());
      EXPECT_TRUE(!in.failed() && in.at_end());
    }
    replies_.push_back(std::move(seen));
  }
  TimePoint clock() override { return now_; }

 protected:
  core::Core core_{self_, {}, modules_, *this, TimePoint{}};
};

TEST_F(KvPagesTest, APageOfALargeBucketTakesSeveralPassesAndAShortOneNone) {
  ask_keys(1, "large", key(10));
  ask_keys(2, "small", "a");
  ask_keys(3, "none", "");
  ask(4, {}, "kv.buckets", "large");
  ASSERT_EQ(replies_.size(), 3U) << "what is short does not wait";
  EXPECT_EQ(replies_[0].names, std::vector<std::string>{"b"});
  EXPECT_EQ(replies_[1].code, StatusCode::kNotFound);
  EXPECT_EQ(replies_[1].text, "there is no bucket \"none\"");
  EXPECT_EQ(replies_[2].names, std::vector<std::string>{"small"});
  EXPECT_GT(finish(), 2);
  ASSERT_EQ(replies_.size(), 4U);
  EXPECT_EQ(replies_[3].request, 1U);
  EXPECT_EQ(replies_[3].names, three_after(10));
  EXPECT_TRUE(replies_[3].more);
  EXPECT_FALSE(kv_.pass(core_, now_));
  EXPECT_EQ(core_.in_flight(), 0U);
}

// A page is as full as that of somebody who may see all, and says nothing of what is left out. The
// rights are those of the call, whatever becomes of them while the page is gathered.
TEST_F(KvPagesTest, BucketsAreListedForThoseWhoMayReadThem) {
  for (std::uint64_t i = 0; i < 2 * store::MemoryEngine::kScanStep + 10; ++i) {
    ASSERT_TRUE(engine_.create("other:" + std::to_string(i)).ok());
  }
  for (const auto* bucket : {"team:a", "team:b", "team:c", "team:d"}) {
    ASSERT_TRUE(engine_.create(bucket).ok());
  }
  {
    security::Rights rights;
    rights.grant("team:", security::RightSet{security::Right::kRead});
    rights.grant("small", security::RightSet{security::Right::kWrite});
    const auto ceiling = security::Rights::all(security::RightSet{security::Right::kRead});
    const security::Permit permit{"app1", rights, &ceiling};
    ask(1, {}, "kv.buckets", "", 5000, nullptr, &permit);
    ask(2, {}, "kv.buckets", "team:c", 5000, nullptr, &permit);
    const security::Rights nothing;
    const security::Permit narrow{"app1", rights, &nothing};
    ask(3, {}, "kv.buckets", "", 5000, nullptr, &narrow);
    ASSERT_EQ(replies_.size(), 1U) << "there are many buckets, so pages are gathered in slices";
    EXPECT_EQ(replies_[0].request, 3U);
    EXPECT_EQ(replies_[0].code, StatusCode::kDenied) << "an empty page would say there is nothing";
    replies_.clear();
  }
  EXPECT_GT(finish(), 1);
  ASSERT_EQ(replies_.size(), 2U);
  EXPECT_EQ(replies_[0].names, (std::vector<std::string>{"team:a", "team:b", "team:c"}));
  EXPECT_TRUE(replies_[0].more);
  EXPECT_EQ(replies_[1].names, std::vector<std::string>{"team:d"});
  EXPECT_FALSE(replies_[1].more);
}

// Else its first slice would wait for whatever comes next.
TEST_F(KvPagesTest, TheFirstPageThatWaitsWakesItsReactor) {
  int wakes = 0;
  KvModule woken{engine_, [&] { ++wakes; }};
  core::FunctionRegistry modules;
  woken.define(modules);
  core::Core core{self_, {}, modules, *this, TimePoint{}};
  ASSERT_TRUE(core.set_table(RoutingTable{{{ByteRange{}, self_}}}).ok());
  ask_keys(1, "large", "", 5000, &core);
  EXPECT_EQ(wakes, 1);
  ask_keys(2, "large", "", 5000, &core);
  EXPECT_EQ(wakes, 1) << "it is awake";
  while (woken.pass(core, now_)) {
  }
  EXPECT_EQ(replies_.size(), 2U);
}

TEST_F(KvPagesTest, PagesAreGatheredOneAfterTheOther) {
  for (std::uint64_t i = 0; i < 5; ++i) ask_keys(i, "large", key(i * 100));
  EXPECT_GT(finish(), 10);
  ASSERT_EQ(replies_.size(), 5U);
  for (std::uint64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(replies_[i].request, i);
    EXPECT_EQ(replies_[i].names, three_after(i * 100));
  }
}

TEST_F(KvPagesTest, ABucketThatIsDroppedMeanwhileIsNotFound) {
  ask_keys(1, "large", "");
  ask_keys(2, "large", "");
  EXPECT_TRUE(kv_.pass(core_, now_));
  ASSERT_TRUE(engine_.drop("large").ok());
  finish();
  ASSERT_EQ(replies_.size(), 2U);
  for (const auto& reply : replies_) {
    EXPECT_EQ(reply.code, StatusCode::kNotFound);
    EXPECT_EQ(reply.text, "there is no bucket \"large\"");
  }
}

TEST_F(KvPagesTest, WhatIsPastItsDeadlineIsNotGathered) {
  ask_keys(1, "large", "", 100);
  ask_keys(2, "large", "", 5000);
  now_ += std::chrono::seconds{1};
  core_.on_tick(now_);
  ASSERT_EQ(replies_.size(), 1U);
  EXPECT_EQ(replies_[0].code, StatusCode::kOutcomeUnknown);
  finish();
  ASSERT_EQ(replies_.size(), 2U);
  EXPECT_EQ(replies_[1].request, 2U);
  EXPECT_EQ(core_.counters().late_replies.value(), 0U) << "the first was not begun";
}

TEST_F(KvPagesTest, OneMoreThanMayWaitIsOverloaded) {
  for (std::uint64_t i = 0; i < limits::kPagesWaitingMax; ++i) ask_keys(i, "large", "");
  EXPECT_TRUE(replies_.empty());
  ask_keys(7777, "large", "");
  ASSERT_EQ(replies_.size(), 1U);
  EXPECT_EQ(replies_[0].request, 7777U);
  EXPECT_EQ(replies_[0].code, StatusCode::kOverloaded);
  core_.fail_all();
  EXPECT_EQ(replies_.size(), 1U + limits::kPagesWaitingMax);
}

TEST_F(KvPagesTest, ManyBucketsAreListedInSlicesToo) {
  for (std::uint64_t i = 0; i < kKeys; ++i) ASSERT_TRUE(engine_.create(key(i)).ok());
  ask(1, {}, "kv.buckets", key(20));
  EXPECT_TRUE(replies_.empty());
  EXPECT_GT(finish(), 2);
  ASSERT_EQ(replies_.size(), 1U);
  EXPECT_EQ(replies_[0].names, three_after(20));
}

TEST_F(KvPagesTest, TicksFreeWhatWasDropped) {
  const auto before = engine_.usage().bytes;
  ASSERT_TRUE(engine_.drop("large").ok());
  EXPECT_GT(engine_.usage().bytes, before / 2);
  for (int i = 0; i < 100; ++i) kv_.tick(now_);
  EXPECT_LT(engine_.usage().bytes, before / 100);
}

}  // namespace
}  // namespace kvmesh::modules
