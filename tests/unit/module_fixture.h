#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/wire/pack.h"
#include "common/wire/record.h"
#include "node/core/core.h"

namespace kvmesh::modules {

/// Calls the functions of a node through its core, as every adapter does. The node has all buckets.
class ModuleTest : public testing::Test, private core::Effects {
 protected:
  using PackArgs = std::function<void(wire::Buffer&)>;
  struct Reply {
    StatusCode code = StatusCode::kOk;
    std::string text;
    std::string result;
  };

  ModuleTest() {
    const auto status = core_.set_table(RoutingTable{{{ByteRange{}, self_}}});
    EXPECT_TRUE(status.ok()) << status.text();
  }

  /// Ends calls that end later.
  virtual void finish(core::Core& core) { (void)core; }

  Reply call(Target target, std::string_view function, const PackArgs& args) {
    replies_ = 0;
    wire::Buffer scratch;
    auto request = wire::make_request(scratch, target, function, args);
    request.timeout_ms = 5000;
    core_.on_request({}, request, now_);
    finish(core_);
    EXPECT_EQ(replies_, 1) << function;
    return last_;
  }
  Reply call(std::string_view bucket, std::string_view function, const PackArgs& args) {
    return call(Target{Target::Kind::kBucket, bucket}, function, args);
  }

  /// The same with arguments that are not packed.
  Reply call_unpacked(Target target, std::string_view function,
                      const std::vector<ArgumentView>& words) {
    replies_ = 0;
    RequestView request;
    request.target = target;
    request.function = function;
    request.words = words;
    request.timeout_ms = 5000;
    core_.on_request({}, request, now_);
    finish(core_);
    EXPECT_EQ(replies_, 1) << function;
    return last_;
  }

  static void no_args(wire::Buffer& out) { wire::pack_array(out, 0); }
  static PackArgs bins(const std::vector<std::string>& values) {
    return [values](wire::Buffer& out) {
      wire::pack_array(out, values.size());
      for (const auto& value : values) wire::pack_bin(out, value);
    };
  }
  static std::string packed(const PackArgs& pack) {
    wire::Buffer out;
    pack(out);
    return std::string{out.view()};
  }

  const NodeName self_ = *NodeName::parse("foo@h");
  core::FunctionRegistry modules_;
  TimePoint now_{};

 private:
  void forward(PeerIndex /*peer*/, const RequestView& /*request*/, RequestId /*id*/,
               TimePoint /*deadline*/, const wire::PathStep& /*step*/) override {
    ADD_FAILURE() << "there is no peer";
  }
  void reply(const core::Origin& /*origin*/, const ReplyView& reply) override {
    ++replies_;
    wire::Buffer scratch;
    last_ = {reply.code, std::string{reply.text}, std::string{wire::packed_result(scratch, reply)}};
  }
  TimePoint clock() override { return {}; }

  int replies_ = 0;
  Reply last_;
  core::Core core_{self_, {}, modules_, *this, TimePoint{}};
};

}  // namespace kvmesh::modules
