#include "node/sim/story.h"

#include <algorithm>
#include <utility>

#include "node/sim/scenario.h"
#include "node/sim/timing.h"

namespace kvmesh::sim {
namespace {

// A node's clock may run faster than a story's: so many milliseconds of its longest wait.
constexpr std::int64_t kDrift = 4;

bool is_word(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '"'; });
}

}  // namespace

std::optional<std::string> StoryWriter::story(const std::string& property) const {
  if (!is_told_) return std::nullopt;
  return "# " + property + "\n" + lines_;
}

// Time passes in whole milliseconds.
void StoryWriter::say(const std::string& line, Micros now) {
  if (now - told_until_ >= kMilli) {
    const auto passed = (now - told_until_) / kMilli;
    lines_ += "wait " + std::to_string(passed) + "ms\n";
    told_until_ += passed * kMilli;
  }
  lines_ += line + "\n";
}

void StoryWriter::asked(std::uint32_t number, Micros now) {
  const auto& request = plan_.requests[number];
  const auto& bucket = plan_.buckets[request.bucket];
  is_told_ = is_told_ && is_word(bucket) && request.operation < Operation::kKeys;
  auto line = "ask " + name(request.node) + " " + std::to_string(number) + " bucket=" + bucket +
              " " + std::string{function_of(request.operation)};
  if (has_key(request.operation)) line += " " + key_text(request.key);
  if (request.operation == Operation::kPut) {
    line += " " + value_text(request.value, request.value_bytes);
  }
  if (request.timeout_ms != 5000) line += " timeout=" + std::to_string(request.timeout_ms);
  say(line, now);
}

std::uint64_t StoryWriter::sent(NodeIndex dialer, NodeIndex server, bool is_reply) {
  const Pair between{dialer, server};
  const auto record = records_.size();
  records_.push_back({between, is_reply});
  auto& line = connections_[between];
  // After a kill a story tells the others at once; here they had not heard of it yet.
  if (!is_reply && !line.open) is_told_ = false;
  (is_reply ? line.replies : line.requests).push_back(record);
  return record;
}

void StoryWriter::delivered(std::uint64_t record, Micros now) {
  const auto [between, is_reply] = records_[record];
  const auto [dialer, server] = between;
  auto& line = connections_[between];
  auto& queue = is_reply ? line.replies : line.requests;
  if (queue.empty() || queue.front() != record) {
    is_told_ = false;  // of a connection that a story has no more
    return;
  }
  queue.erase(queue.begin());
  // `step FROM TO` takes the older one of what FROM has dialled and what it answers.
  const auto other = connections_.find({server, dialer});
  if (other != connections_.end()) {
    const auto& rival = is_reply ? other->second.requests : other->second.replies;
    if (!rival.empty() && rival.front() < record) is_told_ = false;
  }
  const auto from = is_reply ? server : dialer;
  const auto to = is_reply ? dialer : server;
  say("step " + name(from) + " " + name(to), now);
}

void StoryWriter::up(NodeIndex dialer, NodeIndex server, Micros now) {
  connections_[{dialer, server}] = {true, {}, {}};
  say("connect " + name(dialer) + " " + name(server) +
          " requests=" + std::to_string(plan_.network.window_requests) +
          " bytes=" + std::to_string(plan_.network.window_bytes),
      now);
}

void StoryWriter::draining(NodeIndex dialer, NodeIndex server, Micros now) {
  connections_[{dialer, server}].open = false;
  say("drain " + name(dialer) + " " + name(server) + " \"it is stopping\"", now);
}

void StoryWriter::unsent(NodeIndex dialer, NodeIndex server,
                         const std::vector<std::uint64_t>& records, Micros now) {
  // A story takes back all that is not delivered.
  auto& line = connections_[{dialer, server}];
  if (line.requests != records) is_told_ = false;
  line.requests.clear();
  say("unsent " + name(dialer) + " " + name(server), now);
}

void StoryWriter::down(NodeIndex dialer, NodeIndex server, const std::string& why, Micros now) {
  auto& line = connections_[{dialer, server}];
  if (!std::exchange(line.open, false)) return;  // a story has told it with the kill
  say("down " + name(dialer) + " " + name(server) + " \"" + why + "\"", now);
}

void StoryWriter::expired(NodeIndex /*node*/, Micros now) {
  const auto passed = (now - told_until_) / kMilli + kDrift;
  lines_ += "wait " + std::to_string(passed) + "ms\n";
  told_until_ += passed * kMilli;
}

void StoryWriter::reloaded(NodeIndex node, const RoutingTable& table, Micros now) {
  say("table " + name(node) + (table.entries().empty() ? "" : " ") + table_text(table), now);
}

void StoryWriter::peers_changed(NodeIndex node, const std::vector<NodeIndex>& peers,
                                const RoutingTable& table, Micros now) {
  std::string line = "peers " + name(node);
  const auto& own = plan_.nodes[node];
  const auto is_there = [&](NodeIndex peer) {
    return std::ranges::find(peers, peer) != peers.end();
  };
  for (const auto peer : own.peers) {
    if (is_there(peer)) line += " " + name(peer);
  }
  for (const auto& via : own.vias) {
    const auto peer = own.peers[via.peer];
    if (is_there(peer)) line += " " + via.node.str() + "=" + name(peer);
  }
  say(line + (table.entries().empty() ? "" : " ") + table_text(table), now);
}

void StoryWriter::started(NodeIndex node, Micros now) {
  std::string line = "node " + name(node);
  const auto& own = plan_.nodes[node];
  for (const auto peer : own.peers) line += " " + name(peer);
  for (const auto& via : own.vias) line += " " + via.node.str() + "=" + name(own.peers[via.peer]);
  say(line, now);
}

void StoryWriter::killed(NodeIndex node, Micros now) {
  for (auto& [between, line] : connections_) {
    if (between.first == node || between.second == node) line = {};
  }
  say("kill " + name(node), now);
}

void StoryWriter::stopped(NodeIndex node, Micros now) { say("stop " + name(node), now); }

}  // namespace kvmesh::sim
