// Requests and replies that are packed only when they leave.

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>

#include "common/wire/pack.h"
#include "common/wire/record.h"

namespace kvmesh::wire {
namespace {

// Bodies of every size at which the head of a part gets longer.
TEST(UnpackedRequest, LeavesAsOneThatIsPacked) {
  for (const std::size_t size : {0, 1, 31, 32, 255, 256, 65535, 65536}) {
    for (const std::uint64_t number : {0ULL, 127ULL, 128ULL, 255ULL, 256ULL, 65535ULL, 65536ULL,
                                       0xffffffffULL, 0x100000000ULL, ~0ULL}) {
      for (const auto kind : {Target::Kind::kHere, Target::Kind::kNode, Target::Kind::kBucket}) {
        const std::string text(size, 't');
        const std::array words = {ArgumentView::of(text), ArgumentView{}, ArgumentView::of(number)};
        RequestView request;
        request.target = {kind, kind == Target::Kind::kHere ? std::string_view{} : text};
        request.function = "kv.put";
        request.words = words;
        Buffer scratch;
        const auto packed = make_request(scratch, request.target, "kv.put", [&](Buffer& args) {
          pack_array(args, 3);
          pack_bin(args, text);
          pack_nil(args);
          pack_uint(args, number);
        });
        ASSERT_EQ(body_bytes(request), packed.body.size());
        ASSERT_EQ(body_bytes(packed), packed.body.size());
        Buffer own;
        ASSERT_EQ(pack_request(own, request).body, packed.body);
        ASSERT_EQ(pack_request(own, request).args, packed.args);
        Buffer out;
        Buffer expected;
        append_request(out, request, RequestId{7}, 5000, nullptr);
        append_request(expected, packed, RequestId{7}, 5000, nullptr);
        ASSERT_EQ(out.view(), expected.view());
      }
    }
  }
}

TEST(UnpackedReply, LeavesAsOneThatIsPacked) {
  for (const std::size_t size : {0, 1, 255, 256, 65535, 65536}) {
    const std::string bytes(size, 'v');
    Buffer packed;
    pack_bin(packed, bytes);
    ReplyView reply;
    reply.bytes = bytes;
    EXPECT_EQ(result_bytes(reply), packed.size());
    Buffer scratch;
    EXPECT_EQ(packed_result(scratch, reply), packed.view());
    Buffer out;
    Buffer expected;
    append_reply(out, reply, RequestId{7});
    ReplyView other;
    other.result = packed.view();
    append_reply(expected, other, RequestId{7});
    EXPECT_EQ(out.view(), expected.view());
  }
}

}  // namespace
}  // namespace kvmesh::wire
