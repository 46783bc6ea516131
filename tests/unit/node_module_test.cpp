// The functions of the module node, called through a core.

#include "node/modules/node_module.h"

#include <gmock/gmock.h>

#include <string>

#include <kvmesh/limits.h>

#include "tests/unit/module_fixture.h"

namespace kvmesh::modules {
namespace {

using testing::HasSubstr;

class NodeModule : public ModuleTest {
 protected:
  NodeModule() {
    define_node(modules_, self_, [this](wire::Buffer& out) { out.append(info_); });
  }
  static PackArgs raw(std::string_view bytes) {
    return [bytes](wire::Buffer& out) { out.append(bytes); };
  }

  std::string info_ =
      "\x81\xa4name\xa5"
      "foo@h";
};

TEST_F(NodeModule, NameTellsTheExecutingNodeForAnyTarget) {
  for (const auto& target :
       {Target{}, Target{Target::Kind::kNode, "foo@h"}, Target{Target::Kind::kBucket, "no such"}}) {
    const auto reply = call(target, "node.name", no_args);
    EXPECT_EQ(reply.code, StatusCode::kOk) << reply.text;
    EXPECT_EQ(reply.result,
              "\xa5"
              "foo@h");
  }
}

TEST_F(NodeModule, PingGivesAnyOneValueBack) {
  EXPECT_EQ(call(Target{}, "node.ping", no_args).result, "\xc0");
  EXPECT_EQ(call(Target{}, "node.ping", raw("\x91\xc0")).result, "\xc0");
  EXPECT_EQ(call(Target{}, "node.ping", raw("\x91\x2a")).result, "\x2a");
  EXPECT_EQ(call(Target{}, "node.ping", raw("\x91\x92\x81\xa1k\x93\x01\x02\x03\xc3")).result,
            "\x92\x81\xa1k\x93\x01\x02\x03\xc3");
  const auto longest = packed(
      [](wire::Buffer& out) { wire::pack_bin(out, std::string(limits::kBodyBytesMax - 32, 'v')); });
  EXPECT_EQ(call(Target{}, "node.ping", raw("\x91" + longest)).result, longest);
}

TEST_F(NodeModule, InfoIsWhatTheNodePacks) {
  EXPECT_EQ(call(Target{}, "node.info", no_args).result, info_);
}

TEST_F(NodeModule, AnInfoThatFitsNoRecordIsTooLarge) {
  info_ = packed(
      [](wire::Buffer& out) { wire::pack_str(out, std::string(limits::kBodyBytesMax, 'i')); });
  const auto reply = call(Target{}, "node.info", no_args);
  EXPECT_EQ(reply.code, StatusCode::kTooLarge);
  EXPECT_THAT(reply.text, HasSubstr(std::to_string(info_.size())));
  EXPECT_EQ(reply.result, "\xc0");
}

TEST_F(NodeModule, WrongArgumentsAreRefusedWithTheRightCall) {
  const auto text = [&](std::string_view function, std::string_view args) {
    const auto reply = call(Target{}, function, raw(args));
    EXPECT_EQ(reply.code, StatusCode::kInvalidArgument) << function;
    EXPECT_EQ(reply.result, "\xc0") << function;
    return reply.text;
  };
  EXPECT_EQ(text("node.name", "\x91\xc0"), "wrong arguments; the call is node.name []");
  EXPECT_EQ(text("node.info", "\x91\x01"), "wrong arguments; the call is node.info []");
  EXPECT_EQ(text("node.ping", "\x92\x01\x02"),
            "wrong arguments; the call is node.ping [any value, or none]");
}

}  // namespace
}  // namespace kvmesh::modules
