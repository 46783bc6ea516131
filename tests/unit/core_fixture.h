#pragma once

// A core of which the last effects are kept.

#include "node/core/core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>

#include "common/wire/pack.h"
#include "common/wire/record.h"

namespace kvmesh::core {

using std::chrono::milliseconds;
using testing::HasSubstr;

inline constexpr TimePoint kNow = TimePoint{} + std::chrono::hours{1};
inline constexpr Core::Window kWidest{~std::uint64_t{0}, ~std::uint64_t{0}};

inline NodeName name(std::string_view text) { return *NodeName::parse(text); }

// Keeps the last effect of each kind, and counts them.
class Recorder final : public Effects {
 public:
  struct Reply {
    Origin origin;
    StatusCode code = StatusCode::kOk;
    std::string text;
    std::string body;
    std::string result;
  };

  void forward(PeerIndex /*peer*/, const RequestView& /*request*/, RequestId id,
               TimePoint /*deadline*/, const wire::PathStep& /*step*/) override {
    ++forwards;
    last_id = id;
  }
  void reply(const Origin& origin, const ReplyView& reply) override {
    ++replies;
    last_trace_bytes = reply.trace.size();
    last_trace_hops = reply.trace_hops;
    last = {origin, reply.code, std::string{reply.text}, std::string{reply.body},
            std::string{reply.result}};
  }
  Unsent unsent(PeerIndex peer) override { return peer == unsent_of ? still_here : Unsent{}; }
  TimePoint clock() override {
    ++clocks;
    return kNow;
  }

  PeerIndex unsent_of{0};
  Unsent still_here;
  std::size_t forwards = 0;
  std::size_t replies = 0;
  std::size_t clocks = 0;
  std::size_t last_trace_bytes = 0;
  std::uint32_t last_trace_hops = 0;
  RequestId last_id;
  Reply last;
};

class CoreTest : public testing::Test {
 protected:
  CoreTest() {
    modules_.define("test.later", [this](Call& call) {
      if (const auto ticket = call.defer()) ticket_ = *ticket;
    });
    modules_.define("test.twice", [](Call& call) {
      call.succeed();
      call.succeed();
    });
    modules_.define("test.throws", [](Call&) { throw std::runtime_error{"out of luck"}; });
    modules_.define("test.throws_7", [](Call&) { throw 7; });
    modules_.define("test.ok_then_throws", [](Call& call) {
      call.succeed();
      throw std::runtime_error{"too late"};
    });
    modules_.define("test.later_then_throws", [this](Call& call) {
      if (const auto ticket = call.defer()) ticket_ = *ticket;
      throw std::runtime_error{"too late"};
    });
    modules_.define("test.large", [this](Call& call) {
      wire::pack_bin(call.result(), std::string(large_, 'v'));
      call.succeed();
    });
    modules_.define("test.ok", [](Call& call) { call.succeed(); });
  }

  RequestView request(std::string_view function, Target target = {}) {
    auto out = wire::make_request(body_, target, function,
                                  [](wire::Buffer& to) { wire::pack_array(to, 0); });
    out.timeout_ms = 5000;
    return out;
  }
  void ask(std::string_view function, Target target = {}) {
    core_.on_request({3, 4, {5}}, request(function, target), kNow);
  }

  static constexpr PeerIndex kBar{0}, kBaz{1};
  const Target to_bar_{Target::Kind::kNode, "bar@h"};
  const Target to_baz_{Target::Kind::kNode, "baz@h"};
  wire::Buffer body_;
  FunctionRegistry modules_;
  Recorder effects_;
  RequestId ticket_;
  std::size_t large_ = 0;
  Core core_{name("foo@h"), {name("bar@h"), name("baz@h")}, modules_, effects_, kNow};
};

}  // namespace kvmesh::core
