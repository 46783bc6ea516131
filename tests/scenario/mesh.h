#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/core/core.h"
#include "tests/scenario/functions.h"

namespace kvmesh::scenario {

class Mesh;

/// One connection of one link, as both ends see it. Frames wait here until they are delivered.
struct Connection {
  struct Frame {
    std::uint64_t sent = 0;  // frames of the whole mesh, counted
    std::string bytes;
  };
  std::string from;  // who dialled: its requests go out, replies come back
  std::string to;
  bool open = true;   // the dialling node believes in it
  bool lives = true;  // frames may still come out of it
  std::deque<Frame> requests;
  std::deque<Frame> replies;
};

/// A node of a story: a real core, and a shell that writes down each effect and puts frames on
/// connections.
class Node final : public core::Effects {
 public:
  Node(Mesh& mesh, const NodeName& name, std::vector<NodeName> peers, std::vector<core::Via> vias);

  void forward(PeerIndex peer, const RequestView& request, RequestId id, TimePoint deadline,
               const wire::PathStep& step) override;
  void reply(const core::Origin& origin, const ReplyView& reply) override;
  void slow_request(const core::Origin& origin, const std::string& line) override;
  void slow_requests_left_out(std::uint64_t count) override;
  TimePoint clock() override;

  const std::string& name() const { return name_; }
  const std::vector<NodeName>& peers() const { return core_.peer_names(); }
  core::Core& core() { return core_; }
  /// Hands a request to the core and remembers that it must be answered.
  void ask(const core::Origin& origin, const RequestView& request);
  /// What is sent from now on waits, as in a link's batch, until flush().
  void hold() { holding_ = true; }
  void flush();
  /// The same number, unless the core has answered a request twice or never.
  bool owes_what_is_in_flight() const { return owed_.size() == core_.in_flight(); }

 private:
  Mesh& mesh_;
  std::string name_;
  Functions functions_;
  core::Core core_;
  bool holding_ = false;
  std::vector<RequestId> leaving_;                           // traced requests that wait
  std::multiset<std::pair<std::uint64_t, RequestId>> owed_;  // by connection and the asker's id
};

/// Nodes, the connections between them, and time, which passes only when the story says so. Frames
/// are delivered in the order in which they were sent. Everything that happens is a line of
/// take_lines(); a line that begins with "??" means that the story, or the core, did what it must
/// not.
class Mesh {
 public:
  static constexpr std::uint64_t kClient =
      ~std::uint64_t{0};  // Origin::connection of a story's own requests

  /// Makes a node with an empty table, in place of one of that name that was killed.
  void add(const NodeName& name, std::vector<NodeName> peers, std::vector<core::Via> vias = {});
  void kill(const std::string& name);
  /// The next epoch of a link; frames of the one before are gone.
  void connect(const std::string& from, const std::string& to, core::Core::Window window);
  void connect_all();
  /// The dialling node is told; frames that are under way still arrive.
  void down(const std::string& from, const std::string& to, const std::string& why);
  /// Takes the requests that wait on the connection back from it.
  void unsent(const std::string& from, const std::string& to);
  void duplicate_reply(const std::string& from, const std::string& to);
  /// Hands `to` a reply as if it came over its link to `from`.
  void forge_reply(const std::string& from, const std::string& to, const ReplyView& reply);

  /// Delivers the oldest frame; false when there is none.
  bool step();
  /// The same of the frames that `from` has sent to `to`.
  bool step(std::string_view from, std::string_view to);
  void pass(std::chrono::microseconds time) { now_ += time; }
  void tick();

  Node* find(std::string_view name);
  PeerIndex index_of(const Node& node, std::string_view peer);
  TimePoint now() const { return now_; }
  void say(const std::string& line) { lines_ += line + "\n"; }
  std::string take_lines() { return std::exchange(lines_, {}); }
  /// Says so when a node owes other answers than it has requests in flight.
  void check();

  // For nodes only.
  void send_request(const std::string& from, const std::string& to, std::string frame);
  void send_reply(std::size_t connection, std::string_view from, std::string frame);

 private:
  Connection* latest(std::string_view from, std::string_view to);
  template <typename Wanted>
  bool deliver_oldest(Wanted wanted);
  void deliver_request(std::size_t connection, const std::string& frame);
  void deliver_reply(const Connection& connection, const std::string& frame);

  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Connection> connections_;  // of all epochs
  std::uint64_t sent_ = 0;
  TimePoint now_ = TimePoint{} + std::chrono::hours{1};
  std::string lines_;
};

}  // namespace kvmesh::scenario
