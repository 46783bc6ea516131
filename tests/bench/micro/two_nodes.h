#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include "common/wire/frame.h"
#include "common/wire/record.h"
#include "node/core/core.h"
#include "node/line/line_codec.h"
#include "node/modules/kv_module.h"
#include "node/store/memory_engine.h"

namespace kvmesh::bench {

/// All that two nodes do with a line that the first one forwards to the second, but for sockets:
/// line, request, route, table of what is in flight, frame, the other node, store, and all the way
/// back. What the sockets would carry lies in two buffers. One thread.
class TwoNodes {
 public:
  TwoNodes() {
    kv_.define(store_modules_);
    route(gate_, "*", "store@h");
    route(store_, "*", "store@h");
    gate_.on_peer_up(PeerIndex{0}, {limits::kInFlightPerLinkMax, limits::kInFlightBytesPerLinkMax});
  }

  /// The reply to `line`, as text. Valid until the next call.
  std::string_view ask(std::string_view line) {
    text_.clear();
    take_line(line);
    carry_requests();
    carry_replies();
    return text_.view();
  }

 private:
  // Both nodes' shells in one: what either core sends goes into a frame, but for the gate's
  // replies.
  class Shell final : public core::Effects {
   public:
    Shell(TwoNodes& owner, bool gate) : owner_(owner), gate_(gate) {}
    void forward(PeerIndex /*peer*/, const RequestView& request, RequestId id, TimePoint deadline,
                 const wire::PathStep& step) override {
      wire::append_request(owner_.requests_, request, id, remaining_ms(deadline, kNow), &step);
    }
    void reply(const core::Origin& origin, const ReplyView& reply) override {
      if (gate_) {
        owner_.codec_.append_reply(owner_.text_, owner_.tag_, reply);
      } else {
        wire::append_reply(owner_.replies_, reply, origin.request);
      }
    }
    TimePoint clock() override { return kNow; }

   private:
    TwoNodes& owner_;
    bool gate_;
  };

  static constexpr TimePoint kNow = TimePoint{} + std::chrono::hours{1};

  static void route(core::Core& node, const char* range, const char* to) {
    const RouteEntry entry{*ByteRange::parse(range), *NodeName::parse(to)};
    if (!node.set_table(RoutingTable{{entry}}).ok()) std::abort();
  }

  void take_line(std::string_view line) {
    RequestView request;
    tag_ = codec_.next(line, request, scratch_).tag;
    request.id = RequestId{++last_id_};
    request.timeout_ms = 5000;
    requests_.clear();
    wire::begin_frame(requests_, wire::FrameKind::kRequests);
    gate_.on_request({0, 1, request.id}, request, kNow);
  }

  void carry_requests() {
    replies_.clear();
    wire::begin_frame(replies_, wire::FrameKind::kReplies);
    auto run = wire::parse_frame(requests_.view()).frame->content;
    std::optional<wire::Refusal> refusal;
    while (const auto record = wire::next_record(run, refusal)) {
      const auto request = wire::decode_request(*record);
      store_.on_request({1, 1, request->id}, *request, kNow);
    }
  }

  void carry_replies() {
    auto run = wire::parse_frame(replies_.view()).frame->content;
    std::optional<wire::Refusal> refusal;
    while (const auto record = wire::next_record(run, refusal)) {
      gate_.on_reply(PeerIndex{0}, *wire::decode_reply(*record));
    }
  }

  store::MemoryEngine engine_{std::uint64_t{1} << 30U};
  modules::KvModule kv_{engine_};
  core::FunctionRegistry gate_modules_;
  core::FunctionRegistry store_modules_;
  Shell gate_shell_{*this, true};
  Shell store_shell_{*this, false};
  core::Core gate_{
      *NodeName::parse("gate@h"), {*NodeName::parse("store@h")}, gate_modules_, gate_shell_, kNow};
  core::Core store_{*NodeName::parse("store@h"), {}, store_modules_, store_shell_, kNow};
  line::LineCodec codec_;
  stream::Tag tag_ = 0;
  std::uint64_t last_id_ = 0;
  stream::RequestScratch scratch_;
  wire::Buffer requests_;
  wire::Buffer replies_;
  wire::Buffer text_;
};

}  // namespace kvmesh::bench
