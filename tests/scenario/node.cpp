#include <string>
#include <utility>

#include "common/wire/frame.h"
#include "common/wire/record.h"
#include "tests/scenario/mesh.h"
#include "tests/scenario/show.h"

namespace kvmesh::scenario {

Node::Node(Mesh& mesh, const NodeName& name, std::vector<NodeName> peers,
           std::vector<core::Via> vias)
    : mesh_(mesh),
      name_(name.str()),
      functions_(
          name_, [&mesh](const std::string& line) { mesh.say(line); },
          [&mesh](std::chrono::microseconds time) { mesh.pass(time); }),
      core_(name, std::move(peers), functions_.modules(), *this, mesh.now(), std::move(vias)) {}

void Node::forward(PeerIndex peer, const RequestView& request, RequestId id, TimePoint deadline,
                   const wire::PathStep& step) {
  wire::Buffer frame;
  wire::begin_frame(frame, wire::FrameKind::kRequests);
  const auto at = frame.size();
  wire::append_request(frame, request, id, remaining_ms(deadline, mesh_.now()), &step);
  const auto sent = wire::decode_request(frame.view(at + wire::kRecordPrefixBytes));
  const auto& to = peers()[peer.value].str();
  if (!sent) return mesh_.say("?? " + name_ + " sends " + to + " what it cannot read");
  mesh_.say(name_ + " sends " + to + " " + show(id) + ": " + std::string{sent->function} + " " +
            show_value(sent->args) + " for " + show(sent->target) + ", " +
            std::to_string(sent->timeout_ms) + " ms left, path " + show_path(sent->path));
  mesh_.send_request(name_, to, std::string{frame.view()});
  if (request.traced()) leaving_.push_back(id);
}

void Node::reply(const core::Origin& origin, const ReplyView& reply) {
  wire::Buffer frame;
  wire::begin_frame(frame, wire::FrameKind::kReplies);
  const auto at = frame.size();
  wire::append_reply(frame, reply, reply.id);
  const auto sent = wire::decode_reply(frame.view(at + wire::kRecordPrefixBytes));
  if (!sent) return mesh_.say("?? " + name_ + " replies what nobody can read");
  const auto owed = owed_.find({origin.connection, origin.request});
  if (owed == owed_.end() || reply.id != origin.request) {
    return mesh_.say("?? " + name_ + " answers what was not asked: " + show(*sent));
  }
  owed_.erase(owed);
  if (origin.connection != Mesh::kClient) {
    mesh_.say(name_ + " replies " + show(origin.request) + ": " + show(*sent));
    return mesh_.send_reply(origin.connection, name_, std::string{frame.view()});
  }
  mesh_.say(name_ + " answers " + std::to_string(origin.request.value) + ": " + show(*sent));
  if (sent->trace_hops > 0) {
    auto trace = show_trace(sent->trace);
    trace.pop_back();
    mesh_.say(trace);
  }
}

void Node::slow_request(const core::Origin& origin, const std::string& line) {
  mesh_.say(name_ + " logs " + std::to_string(origin.request.value) + ": " + line);
}

void Node::slow_requests_left_out(std::uint64_t count) {
  mesh_.say(name_ + " left out " + std::to_string(count) + " lines");
}

TimePoint Node::clock() { return mesh_.now(); }

void Node::ask(const core::Origin& origin, const RequestView& request) {
  owed_.emplace(origin.connection, origin.request);
  core_.on_request(origin, request, mesh_.now());
  if (!holding_) flush();
}

void Node::flush() {
  holding_ = false;
  for (const auto id : std::exchange(leaving_, {})) core_.on_sent(id, mesh_.now());
}

}  // namespace kvmesh::scenario
