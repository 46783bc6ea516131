// The core of one to four nodes under any history of requests, replies (late, duplicate, forged),
// links that come, drain and go, time, reloads (of peers too) and late answers. Every request is
// answered once, to who asked; what was said not to be executed was not; windows, tables and
// deadlines are kept.

#include "node/core/core.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/wire/frame.h"
#include "tests/fuzz/core_inputs.h"
#include "tests/fuzz/core_node.h"
#include "tests/fuzz/input.h"

namespace kvmesh::fuzz {
namespace {

using core::Core;
using std::chrono::milliseconds;

class History {
 public:
  explicit History(Input input) : input_(input) {
    const auto count = 1 + input_.below(kNames.size());
    const bool via = count > 2 && input_.flag();
    for (std::uint32_t i = 0; i < count; ++i) add_node(i, count, via);
    for (std::uint32_t i = 0; i < count; ++i) {
      reload(i);
      for (std::uint32_t peer = 0; peer < wires(i).size(); ++peer) {
        if (input_.flag() && !is_free(i, peer)) link_up(i, peer);
      }
    }
  }

  void run() {
    while (!input_.at_end()) {
      step();
      settle();
    }
    finish();
  }

 private:
  void add_node(std::uint32_t self, std::uint32_t count, bool via) {
    std::vector<std::string> peers;
    std::vector<core::Via> vias;
    std::vector<Wire> wires;
    for (std::uint32_t other = 0; other < count; ++other) {
      if (other == self) continue;
      // The first node reaches the last one over another.
      if (via && self == 0 && other == count - 1) {
        vias.push_back({*NodeName::parse(kNames[other]), PeerIndex{0}});
        continue;
      }
      peers.emplace_back(kNames[other]);
      wires.emplace_back().to = other;
    }
    nodes_.push_back(std::make_unique<Node>(kNames[self], peers, vias, fates_, now_));
    nodes_.back()->wires = std::move(wires);
    if (self % 2 != 0) return;  // elsewhere there is no bucket
    for (const auto* bucket : kBuckets) (void)nodes_.back()->engine().create(bucket);
  }

  void step() {
    const auto node = any_node();
    switch (input_.below(16)) {
      case 0:
      case 1:
      case 2:
        return ask(node, 1);
      case 3:
        return ask(node, 2 + input_.below(Core::kRunMax - 1));
      case 4:
        return send(node);
      case 5:
      case 6:
        return deliver_requests(node, input_.below(Core::kRunMax) + 1);
      case 7:
      case 8:
        return deliver_reply(node);
      case 9:
        return forge_reply(node);
      case 10:
        return change_link(node);
      case 11:
      case 12:
        return pass_time();
      case 13:
        return complete(node);
      case 14:
        return reload(node);
      default:
        if (input_.byte() == 0xff) nodes_[node]->core().fail_all();
    }
  }

  void ask(std::uint32_t node, std::uint32_t count) {
    std::vector<wire::Buffer> bodies(count), paths(count);
    std::vector<Core::Incoming> run;
    for (std::uint32_t i = 0; i < count; ++i) {
      fates_.emplace_back();
      auto request = any_request(input_, bodies[i], fates_.size() - 1, fates_.back());
      add_any_path(input_, request, paths[i]);
      Node::Pending pending;
      pending.number = fates_.size() - 1;
      run.push_back(incoming(node, request, pending));
    }
    give(node, run);
  }

  Core::Incoming incoming(std::uint32_t node, RequestView request, Node::Pending pending) {
    pending.deadline = deadline_after(now_, request.timeout_ms);
    pending.traced = request.traced();
    request.id = RequestId{nodes_[node]->expect(pending)};
    return {{0, 0, request.id}, request};
  }

  void give(std::uint32_t node, const std::vector<Core::Incoming>& run) {
    auto& core = nodes_[node]->core();
    if (run.size() == 1) {
      core.on_request(run[0].origin, run[0].request, now_);
    } else {
      core.on_requests(run, now_);
    }
  }

  void send(std::uint32_t node) {
    auto* wire = any_wire(node);
    if (wire == nullptr) return;
    for (auto& message : wire->unsent) wire->requests.push_back(std::move(message));
    wire->unsent.clear();
  }

  void deliver_requests(std::uint32_t node, std::size_t most) {
    if (auto* wire = any_wire(node)) deliver_requests(node, *wire, most);
  }

  void deliver_requests(std::uint32_t node, Wire& wire, std::size_t most) {
    std::vector<Message> messages;
    while (messages.size() < most && !wire.requests.empty()) {
      messages.push_back(std::move(wire.requests.front()));
      wire.requests.pop_front();
    }
    if (messages.empty()) return;
    const auto index = static_cast<std::size_t>(&wire - nodes_[node]->wires.data());
    std::vector<Core::Incoming> run;
    for (const auto& message : messages) {
      const auto request =
          wire::decode_request(std::string_view{message.record}.substr(wire::kRecordPrefixBytes));
      check(request && request->id == message.id, "what is forwarded can be read");
      Node::Pending pending;
      pending.number = message.number;
      pending.asker = {node * kNames.size() + index, message.id};
      run.push_back(incoming(static_cast<std::uint32_t>(wire.to), *request, pending));
    }
    give(static_cast<std::uint32_t>(wire.to), run);
  }

  void deliver_reply(std::uint32_t node) {
    auto* wire = any_wire(node);
    if (wire == nullptr || wire->replies.empty()) return;
    const auto at =
        input_.below(static_cast<std::uint32_t>(std::min<std::size_t>(wire->replies.size(), 256)));
    deliver_reply(node, *wire, at, input_.below(4) == 0);
  }

  void deliver_reply(std::uint32_t node, Wire& wire, std::size_t at, bool again) {
    const auto message = wire.replies[at];
    if (!again) wire.replies.erase(wire.replies.begin() + static_cast<std::ptrdiff_t>(at));
    const auto reply =
        wire::decode_reply(std::string_view{message.record}.substr(wire::kRecordPrefixBytes));
    check(reply.has_value(), "what is answered can be read");
    auto& to = *nodes_[node];
    to.delivering = message.number;
    to.core().on_reply(peer_of(node, wire), *reply);
    to.delivering.reset();
  }

  // A peer answers what it was not asked: nobody may hear of it.
  void forge_reply(std::uint32_t node) {
    auto* wire = any_wire(node);
    if (wire == nullptr) return;
    auto& to = *nodes_[node];
    const auto peer = peer_of(node, *wire);
    ReplyView reply;
    reply.id = RequestId{input_.flag() ? input_.number() : input_.below(64)};
    if (input_.flag()) reply.id.value |= std::uint64_t{1 + input_.below(3)} << 32;
    for (const auto& [serial, pending] : to.pending()) {
      if (pending.over == peer && pending.id == reply.id) return;
      if (pending.over != peer && input_.flag()) reply.id = pending.id;
    }
    const auto before = to.pending().size();
    to.core().on_reply(peer, reply);
    check(to.pending().size() == before, "a forged reply answers nothing");
  }

  void change_link(std::uint32_t node) {
    if (wires(node).empty()) return;
    const auto peer = input_.below(static_cast<std::uint32_t>(wires(node).size()));
    if (is_free(node, peer)) return;
    switch (input_.below(4)) {
      case 0:
      case 1:
        return link_up(node, peer);
      case 2:
        wires(node)[peer].takes_requests = false;
        return nodes_[node]->core().on_peer_draining(index_of(peer), "it stops");
      default:
        return link_down(node, peer);
    }
  }

  void link_down(std::uint32_t node, std::uint32_t peer) {
    auto& wire = wires(node)[peer];
    auto& core = nodes_[node]->core();
    if (input_.flag()) give_back_unsent(node, wire);
    wire.unsent.clear();
    wire.takes_requests = false;
    core.on_peer_down(index_of(peer), "it is gone");
    check(core.in_flight_over(index_of(peer)) == 0,
          "nothing is in flight over a link that is gone");
  }

  void link_up(std::uint32_t node, std::uint32_t peer) {
    auto& wire = wires(node)[peer];
    wire.unsent.clear();
    wire.takes_requests = true;
    wire.window = any_window(input_);
    nodes_[node]->core().on_peer_up(index_of(peer), wire.window);
    check(nodes_[node]->core().in_flight_over(index_of(peer)) == 0, "a new link is empty");
  }

  void give_back_unsent(std::uint32_t node, Wire& wire) {
    auto& from = *nodes_[node];
    for (const auto& message : wire.unsent) {
      const auto waits = [&](const auto& pending) { return pending.second.id == message.id; };
      const bool was_there = std::ranges::any_of(from.pending(), waits);
      const auto before = from.pending().size();
      const auto unavailable = from.unavailable();
      from.core().on_unsent(message.id);
      check(from.pending().size() + (was_there ? 1 : 0) == before, "what was not sent ends");
      check(from.unavailable() == unavailable + (was_there ? 1 : 0), "as unavailable");
    }
  }

  // ---- Time, late answers, tables

  void pass_time() {
    now_ += any_time(input_);
    for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
      nodes_[node]->at(now_);
      if (input_.below(4) != 0) tick(node);
    }
  }

  void tick(std::uint32_t node) {
    constexpr milliseconds kLate{16};
    auto& it = *nodes_[node];
    it.in_tick = true;
    it.core().on_tick(now_);
    it.in_tick = false;
    for (const auto& [serial, pending] : it.pending()) {
      check(pending.deadline + kLate > now_, "a request is answered by its deadline");
    }
  }

  void complete(std::uint32_t node) {
    auto& it = *nodes_[node];
    if (it.deferred.empty()) return;
    const auto at =
        input_.below(static_cast<std::uint32_t>(std::min<std::size_t>(it.deferred.size(), 256)));
    const auto [ticket, number] = it.deferred[at];
    const bool ok = input_.below(3) != 0;
    const bool again = input_.below(4) == 0;
    if (!again) it.deferred.erase(it.deferred.begin() + at);
    if (ok && !again) ++fates_[number].executed;
    it.delivering = number;
    it.core().complete(ticket, ok && !again ? Status{} : Status{StatusCode::kCancelled, "no"},
                       ok ? "\x01" : "");
    it.delivering.reset();
  }

  // Another table, and at times other peers.
  void reload(std::uint32_t node) {
    auto& it = *nodes_[node];
    core::Topology next{it.core().peer_names(), it.vias(), any_table(input_)};
    if (input_.below(4) == 0) change_peers(input_, it.name(), nodes_.size(), next);
    for (std::uint32_t place = 0; place < it.wires.size(); ++place) {
      const bool stays = it.core().peer_names()[place] == next.peers[place];
      if (!stays && input_.flag()) link_down(node, place);  // else the core ends it by itself
    }
    const auto status = it.core().set_topology(next);
    check(status.ok() == is_sound(it.name(), next), "a table names known nodes", status.text());
    if (status.ok()) take_topology(it, std::move(next));
  }

  void finish() {
    constexpr int kRoundsMax = 4 * limits::kHopsMax;
    for (int rounds = 0; rounds < kRoundsMax && !is_quiet(); ++rounds) {
      deliver_all();
      now_ += limits::kTimeoutMax;
      for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
        nodes_[node]->at(now_);
        tick(node);
      }
      settle();
    }
    for (auto& node : nodes_) check(node->pending().empty(), "in the end all is answered");
    for (std::size_t number = 0; number < fates_.size(); ++number) check_fate(number);
  }

  // What is under way arrives, however late.
  void deliver_all() {
    for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
      for (auto& wire : wires(node)) {
        std::ranges::move(wire.unsent, std::back_inserter(wire.requests));
        wire.unsent.clear();
        while (!wire.requests.empty()) deliver_requests(node, wire, Core::kRunMax);
        while (!wire.replies.empty()) deliver_reply(node, wire, 0, false);
      }
    }
    settle();
  }
  bool is_quiet() {
    return std::ranges::all_of(nodes_, [](const auto& node) {
      return node->pending().empty() && std::ranges::all_of(node->wires, [](const Wire& wire) {
               return wire.unsent.empty() && wire.requests.empty() && wire.replies.empty();
             });
    });
  }

  void check_fate(std::size_t number) {
    const auto& fate = fates_[number];
    auto executed = fate.executed;
    for (auto& node : nodes_) {
      for (const auto* bucket : kBuckets) {
        const auto found = node->engine().get(bucket, std::to_string(number), [](auto) {});
        if (found && *found) ++executed;
      }
    }
    check(fate.answered, "every asker is answered");
    check(executed <= 1, "nothing is executed twice");
    switch (fate.code) {
      case StatusCode::kOk:
        return check(!fate.has_effect || executed == 1, "what was executed was");
      case StatusCode::kOutcomeUnknown:
      case StatusCode::kInternal:
      case StatusCode::kCancelled:
        return;
      default:
        check(executed == 0, "what was not executed was not", std::string{to_string(fate.code)});
    }
  }

  // Answers go on the wires that their requests came over.
  void settle() {
    for (auto& node : nodes_) {
      for (auto& [from, message] : std::exchange(node->answers, {})) {
        nodes_[from / kNames.size()]->wires[from % kNames.size()].replies.push_back(
            std::move(message));
      }
      node->check_all();
    }
  }
  std::uint32_t any_node() { return input_.below(static_cast<std::uint32_t>(nodes_.size())); }
  std::vector<Wire>& wires(std::uint32_t node) { return nodes_[node]->wires; }
  Wire* any_wire(std::uint32_t node) {
    if (wires(node).empty()) return nullptr;
    return &wires(node)[input_.below(static_cast<std::uint32_t>(wires(node).size()))];
  }
  bool is_free(std::uint32_t node, std::uint32_t place) {
    return nodes_[node]->core().peer_names()[place].empty();
  }
  PeerIndex peer_of(std::uint32_t node, const Wire& wire) {
    return index_of(static_cast<std::uint32_t>(&wire - wires(node).data()));
  }
  static PeerIndex index_of(std::uint32_t peer) {
    return PeerIndex{static_cast<std::uint16_t>(peer)};
  }

  Input input_;
  TimePoint now_ = TimePoint{} + std::chrono::hours{1};
  std::vector<Fate> fates_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace
}  // namespace kvmesh::fuzz

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kvmesh::fuzz;
  History{Input{data, size}}.run();
  return 0;
}
