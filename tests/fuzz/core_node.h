#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>

#include "common/wire/pack.h"
#include "common/wire/reader.h"
#include "common/wire/record.h"
#include "node/core/core.h"
#include "node/modules/kv_module.h"
#include "node/store/memory_engine.h"
#include "tests/fuzz/check.h"

/// Nodes whose shell is played by a fuzzer's input, and what must hold of them whatever it plays.
namespace kvmesh::fuzz {

/// What becomes of one request, from its asker's and from the functions' point of view.
struct Fate {
  bool answered = false;
  StatusCode code = StatusCode::kOk;
  unsigned executed = 0;
  bool has_effect = false;  // its function executes something where it succeeds
};

/// A record on its way, and the number of the request that it is about.
struct Message {
  RequestId id;
  std::size_t number = 0;
  std::string record;  // with its length prefix
};

/// One node's connection to a peer, with what is under way on it.
struct Wire {
  std::size_t to = 0;  // which node
  bool takes_requests = false;
  core::Core::Window window;
  std::deque<Message> unsent, requests, replies;
};

/// A core with a shell around it that keeps count: it checks each effect, and after each input all
/// that it knows of the core.
class Node final : public core::Effects {
 public:
  /// A request that this node has not answered yet.
  struct Pending {
    std::size_t number = 0;
    TimePoint deadline;
    bool traced = false;
    std::optional<std::pair<std::size_t, RequestId>> asker;  // a wire to here and the id on it
    std::optional<PeerIndex> over;                           // it was forwarded
    RequestId id;                                            // as which
    std::size_t bytes = 0;
  };
  struct Deferred {
    core::Call::Ticket ticket;
    std::size_t number = 0;
  };

  Node(std::string name, const std::vector<std::string>& peers, const std::vector<core::Via>& vias,
       std::vector<Fate>& fates, TimePoint start)
      : fates_(fates),
        now_(start),
        name_(std::move(name)),
        core_(*NodeName::parse(name_), names_of(peers), modules_, *this, start, vias),
        vias_(vias) {
    define_functions();
  }

  core::Core& core() { return core_; }
  store::MemoryEngine& engine() { return engine_; }
  std::map<std::uint64_t, Pending>& pending() { return pending_; }

  /// To be called before each input.
  void at(TimePoint now) { now_ = now; }
  /// A new request of this node: the serial number that stands for it as its origin.
  std::uint64_t expect(Pending pending) {
    ++asked_;
    pending_.emplace(++serial_, std::move(pending));
    return serial_;
  }
  const std::string& name() const { return name_; }
  const std::vector<core::Via>& vias() const { return vias_; }
  void take(std::vector<core::Via> vias, const RoutingTable& table) {
    vias_ = std::move(vias);
    table_ = table.entries();
  }
  /// How many requests ended as kUnavailable.
  std::uint64_t unavailable() const {
    return core_.counters().replies[static_cast<std::size_t>(StatusCode::kUnavailable)].value();
  }

  /// All that must hold between two inputs.
  void check_all() {
    check(core_.in_flight() == pending_.size(), "what is not answered is in flight, all of it");
    check(core_.counters().requests.value() == asked_, "requests are counted");
    std::uint64_t replies = 0;
    for (const auto& counter : core_.counters().replies) replies += counter.value();
    check(replies == answered_ && answered_ + pending_.size() == asked_, "answers are counted");
    std::size_t over_links = 0;
    for (std::size_t i = 0; i < wires.size(); ++i) {
      const PeerIndex peer{static_cast<std::uint16_t>(i)};
      const auto [requests, bytes] = over(peer);
      over_links += requests;
      check(core_.in_flight_over(peer) == requests, "a link's requests are those forwarded on it");
      check(core_.why_down(peer).empty() == wires[i].takes_requests, "a link is up, or says why");
    }
    check(over_links + deferred_now() == pending_.size(), "all is forwarded or deferred");
  }

  void forward(PeerIndex peer, const RequestView& request, RequestId id, TimePoint deadline,
               const wire::PathStep& step) override {
    const auto timeout_ms = remaining_ms(deadline, now_);
    auto& wire = wires[peer.value];
    const auto found = pending_.find(request.id.value);
    check(found != pending_.end() && !found->second.over, "a request is forwarded once");
    check(wire.takes_requests, "only a peer that takes requests gets them");
    check(next_of(request.target) == peer, "the table says which peer gets a request");
    check(timeout_ms < request.timeout_ms && timeout_ms < kTimeoutMax, "time left shrinks");
    check(request.hops < limits::kHopsMax && step.node == name_, "a path is signed and not full");
    for (auto path = request.path; const auto passed = wire::take_path_step(path);) {
      check(passed->node != name_, "no request passes a node twice");
    }
    auto& pending = found->second;
    pending.over = peer;
    pending.id = id;
    pending.bytes = request.body.size();
    const auto [requests, bytes] = over(peer);
    check(requests <= std::min<std::uint64_t>(wire.window.requests, limits::kInFlightPerLinkMax) &&
              bytes <= std::min<std::uint64_t>(wire.window.bytes, limits::kInFlightBytesPerLinkMax),
          "a link's window is kept");
    wire::Buffer out;
    append_request(out, request, id, timeout_ms, &step);
    wire.unsent.push_back({id, pending.number, std::string{out.view()}});
  }

  void reply(const core::Origin& origin, const ReplyView& reply) override {
    const auto found = pending_.find(origin.request.value);
    check(found != pending_.end(), "a request is answered once");
    const auto pending = found->second;
    pending_.erase(found);
    ++answered_;
    check(reply.id == origin.request, "a reply has its origin's id");
    check(!delivering || *delivering == pending.number, "a reply goes to who asked for it");
    check(!in_tick || (reply.code == StatusCode::kOutcomeUnknown && pending.deadline <= now_),
          "time fails what is due and nothing else");
    check(reply.code == StatusCode::kOk || !reply.text.empty() || delivering,
          "an error says what it is");
    if (pending.traced) check_trace(reply);
    if (pending.asker) {
      wire::Buffer out;
      append_reply(out, reply, pending.asker->second);
      answers.push_back(
          {pending.asker->first, {pending.asker->second, pending.number, std::string{out.view()}}});
      return;
    }
    auto& fate = fates_[pending.number];
    check(!fate.answered, "an asker has one answer");
    fate.answered = true;
    fate.code = reply.code;
  }

  TimePoint clock() override { return now_ + std::chrono::microseconds{++clock_}; }

  std::vector<Wire> wires;  // one for each peer
  std::vector<Deferred> deferred;
  std::vector<std::pair<std::size_t, Message>> answers;  // for wires that lead here
  std::optional<std::size_t> delivering;                 // the request whose reply is given in
  bool in_tick = false;

 private:
  static constexpr std::uint64_t kTimeoutMax = limits::kTimeoutMax.count();

  static std::vector<NodeName> names_of(const std::vector<std::string>& peers) {
    std::vector<NodeName> out;
    out.reserve(peers.size());
    for (const auto& peer : peers) out.push_back(*NodeName::parse(peer));
    return out;
  }

  // The first argument of every function of ours: the request's number.
  std::size_t number_of(core::Call& call) {
    wire::Reader in{call.request().args};
    check(in.read_array() == 1, "arguments arrive as they were sent");
    const auto number = in.read_uint();
    check(!in.failed() && number < fates_.size(), "arguments arrive as they were sent");
    check(!next_of(call.request().target), "the table says who executes a request");
    check(call.deadline() > now_ && call.request().timeout_ms > 0, "nothing is executed late");
    return number;
  }
  void succeed(core::Call& call) {
    const auto number = number_of(call);
    ++fates_[number].executed;
    wire::pack_uint(call.result(), number);
    call.succeed();
  }

  // Runs what came together.
  class Together final : public core::Runner {
   public:
    explicit Together(Node& node) : node_(node) {}
    void run(std::span<core::Call* const> calls) override {
      for (auto* call : calls) node_.succeed(*call);
    }

   private:
    Node& node_;
  };

  void define_functions() {
    kv_.define(modules_);
    modules_.define("t.run", [this](core::Call& call) { succeed(call); });
    modules_.define("t.together", together_, 0);
    modules_.define("t.fail", [this](core::Call& call) {
      (void)number_of(call);
      call.fail({StatusCode::kFull, "no"});
    });
    modules_.define("t.defer", [this](core::Call& call) {
      const auto number = number_of(call);
      if (const auto ticket = call.defer()) deferred.push_back({*ticket, number});
    });
    modules_.define("t.throw", [](core::Call&) { throw std::runtime_error{"thrown"}; });
    modules_.define("t.throw_7", [](core::Call&) { throw 7; });
    modules_.define("t.silent", [](core::Call&) {});
  }

  // Where the table, or the name, leads: empty for this node. REQUIRES: somewhere.
  std::optional<PeerIndex> next_of(const Target& target) const {
    std::string to{target.kind == Target::Kind::kHere ? name_ : target.name};
    if (target.kind == Target::Kind::kBucket) {
      const auto entry = std::ranges::find_if(
          table_, [&](const RouteEntry& e) { return e.range.holds(target.name); });
      check(entry != table_.end(), "what no entry holds goes nowhere");
      to = entry->node.str();
    }
    if (to == name_) return std::nullopt;
    for (const auto& via : vias_) {
      if (via.node.str() == to) return via.peer;
    }
    const auto& names = core_.peer_names();
    const auto peer = std::ranges::find(names, to, &NodeName::str);
    check(peer != names.end(), "who is no peer is passed nothing");
    return PeerIndex{static_cast<std::uint16_t>(peer - names.begin())};
  }

  std::pair<std::size_t, std::size_t> over(PeerIndex peer) const {
    std::size_t requests = 0, bytes = 0;
    for (const auto& [serial, pending] : pending_) {
      if (pending.over != peer) continue;
      ++requests;
      bytes += pending.bytes;
    }
    return {requests, bytes};
  }
  std::size_t deferred_now() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        pending_, [](const auto& pending) { return !pending.second.over.has_value(); }));
  }

  void check_trace(const ReplyView& reply) const {
    auto trace = reply.trace;
    const auto first = wire::take_trace_hop(trace);
    check(first && first->node == name_, "a trace begins with this node");
    std::uint32_t hops = 1;
    while (wire::take_trace_hop(trace)) ++hops;
    check(hops == reply.trace_hops && trace.empty(), "a trace has as many hops as it says");
  }

  std::vector<Fate>& fates_;
  TimePoint now_;
  std::string name_;
  store::MemoryEngine engine_{std::uint64_t{1} << 30, store::MemoryEngine::Use::kOneThread};
  modules::KvModule kv_{engine_};
  core::FunctionRegistry modules_;
  Together together_{*this};
  core::Core core_;
  std::vector<core::Via> vias_;
  std::vector<RouteEntry> table_;
  std::map<std::uint64_t, Pending> pending_;
  std::uint64_t serial_ = 0, asked_ = 0, answered_ = 0, clock_ = 0;
};

}  // namespace kvmesh::fuzz
