// An engine that answers later, behind the module kv and a core: what their callers are told.

#include "node/sim/slow_engine.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/wire/pack.h"
#include "common/wire/record.h"
#include "node/modules/kv_module.h"

namespace kvmesh::sim {
namespace {

using std::chrono::milliseconds;

class SlowEngineTest : public testing::Test, private core::Effects {
 protected:
  SlowEngineTest() {
    kv_.define(modules_);
    EXPECT_TRUE(core_.set_table(RoutingTable{{{ByteRange{}, self_}}}).ok());
    EXPECT_TRUE(engine_.memory().create("b").ok());
  }

  void put(std::uint64_t number, std::string_view key, std::string_view value,
           std::uint64_t timeout_ms = 5000) {
    ask(number, "kv.put", {key, value}, timeout_ms);
  }
  void get(std::uint64_t number, std::string_view key) { ask(number, "kv.get", {key}, 5000); }
  void ask(std::uint64_t number, std::string_view function, std::vector<std::string_view> args,
           std::uint64_t timeout_ms) {
    wire::Buffer body;
    auto request =
        wire::make_request(body, {Target::Kind::kBucket, "b"}, function, [&](wire::Buffer& out) {
          wire::pack_array(out, args.size());
          for (const auto arg : args) wire::pack_bin(out, arg);
        });
    request.timeout_ms = timeout_ms;
    core_.on_request({0, 0, RequestId{number}}, request, now_);
  }
  void run_for(milliseconds time) {
    for (const auto until = now_ + time; now_ < until; now_ += milliseconds{1}) {
      (void)kv_.pass(core_, now_);
      core_.on_tick(now_);
    }
  }
  std::string stored(std::string_view key) {
    std::string out = "nothing";
    (void)engine_.memory().get("b", key, [&](std::string_view value) { out = value; });
    return out;
  }
  static std::string bin(std::string_view bytes) {
    wire::Buffer out;
    wire::pack_bin(out, bytes);
    return std::string{out.view()};
  }

  using Fate = SlowEngine::Fate;
  std::function<Fate(const store::Op&)> decide_ = [](const store::Op&) { return Fate{}; };
  std::map<std::uint64_t, std::pair<StatusCode, std::string>> replies_;  // code and result
  TimePoint now_{std::chrono::seconds{1}};

 private:
  void forward(PeerIndex /*peer*/, const RequestView& /*request*/, RequestId /*id*/,
               TimePoint /*deadline*/, const wire::PathStep& /*step*/) override {
    ADD_FAILURE() << "there is no peer";
  }
  void reply(const core::Origin& origin, const ReplyView& reply) override {
    wire::Buffer packed;
    const std::string result{wire::packed_result(packed, reply)};
    EXPECT_TRUE(replies_.emplace(origin.request.value, std::pair{reply.code, result}).second)
        << "answered twice";
  }
  TimePoint clock() override { return now_; }

  const NodeName self_ = *NodeName::parse("foo@h");
  core::FunctionRegistry modules_;

 protected:
  SlowEngine engine_{{.bytes_max = std::uint64_t{1} << 20,
                      .clock = [this] { return now_; },
                      .decide = [this](const store::Op& op) { return decide_(op); }}};
  modules::KvModule kv_{engine_};
  core::Core core_{self_, {}, modules_, *this, now_};
};

const std::pair kDone{StatusCode::kOk, std::string{"\xc0"}};

TEST_F(SlowEngineTest, ACallIsAnsweredWhenItsOperationEnds) {
  decide_ = [](const store::Op&) { return Fate{.until_executed = milliseconds{10}}; };
  put(1, "k", "v");
  get(2, "k");
  EXPECT_TRUE(replies_.empty());
  EXPECT_EQ(core_.in_flight(), 2U);
  run_for(milliseconds{9});
  EXPECT_TRUE(replies_.empty());
  EXPECT_EQ(stored("k"), "nothing");
  run_for(milliseconds{3});
  EXPECT_EQ(replies_[1], kDone);
  EXPECT_EQ(replies_[2], (std::pair{StatusCode::kOk, bin("v")}));
  EXPECT_EQ(core_.in_flight(), 0U);
}

// deadline_exceeded promises that nothing was executed, which nobody knows of a write that was
// handed to the engine.
TEST_F(SlowEngineTest, AWriteWhoseTimeIsOverHasAnUnknownOutcome) {
  decide_ = [](const store::Op&) { return Fate{.is_told = false}; };
  put(1, "k", "v", 100);
  run_for(milliseconds{130});
  EXPECT_EQ(replies_[1].first, StatusCode::kOutcomeUnknown);
  EXPECT_EQ(stored("k"), "v") << "its acknowledgement was lost";
}

TEST_F(SlowEngineTest, AnAcknowledgementThatComesTooLateIsDropped) {
  decide_ = [](const store::Op&) { return Fate{.until_told = milliseconds{200}}; };
  put(1, "k", "v", 100);
  run_for(milliseconds{300});
  EXPECT_EQ(replies_[1].first, StatusCode::kOutcomeUnknown);
  EXPECT_EQ(core_.counters().late_replies.value(), 1U);
}

TEST_F(SlowEngineTest, WhatIsNotBegunInTimeIsNotExecuted) {
  decide_ = [](const store::Op&) { return Fate{.until_executed = milliseconds{200}}; };
  put(1, "k", "v", 100);
  run_for(milliseconds{300});
  EXPECT_EQ(replies_[1].first, StatusCode::kOutcomeUnknown) << "the core could not know better";
  EXPECT_EQ(stored("k"), "nothing");
}

TEST_F(SlowEngineTest, AFailedSyncIsAnUnknownOutcome) {
  decide_ = [](const store::Op& op) {
    return Fate{.is_executed = op.key != "lost", .is_unknown = true};
  };
  put(1, "kept", "v");
  put(2, "lost", "v");
  run_for(milliseconds{2});
  EXPECT_EQ(replies_[1].first, StatusCode::kOutcomeUnknown);
  EXPECT_EQ(replies_[2].first, StatusCode::kOutcomeUnknown);
  EXPECT_EQ(stored("kept"), "v");
  EXPECT_EQ(stored("lost"), "nothing");
}

TEST_F(SlowEngineTest, OfATornBatchSomeIsExecuted) {
  decide_ = [](const store::Op& op) { return Fate{.is_executed = op.key != "2"}; };
  put(1, "1", "v");
  put(2, "2", "v");
  put(3, "3", "v");
  run_for(milliseconds{2});
  EXPECT_EQ(replies_[1], kDone);
  EXPECT_EQ(replies_[2].first, StatusCode::kOutcomeUnknown);
  EXPECT_EQ(replies_[3], kDone);
  EXPECT_EQ(stored("2"), "nothing");
}

TEST_F(SlowEngineTest, AStoppingNodeFailsWhatHasNotEnded) {
  decide_ = [](const store::Op&) { return Fate{.until_executed = milliseconds{50}}; };
  put(1, "k", "v");
  core_.fail_all();
  EXPECT_EQ(replies_[1].first, StatusCode::kOutcomeUnknown);
  run_for(milliseconds{100});
  EXPECT_EQ(replies_.size(), 1U);
}

}  // namespace
}  // namespace kvmesh::sim
