#include "node/core/core.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include <kvmesh/limits.h>

#include "common/rights.h"
#include "common/text.h"
#include "common/wire/record.h"
#include "node/core/check_permit.h"
#include "node/core/local_calls.h"

namespace kvmesh::core {
namespace {

constexpr std::string_view kNil = "\xc0";  // in msgpack

std::string entry_text(const std::optional<RouteMatch>& entry) {
  return entry ? entry->to_string() : std::string{};
}

constexpr std::chrono::milliseconds kHopCost{1};
std::uint64_t micros(TimePoint from, TimePoint to) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
}

}  // namespace

Core::Core(NodeName self, std::vector<NodeName> peers, const FunctionRegistry& modules,
           Effects& effects, TimePoint start, std::vector<Via> vias)
    : self_(std::move(self)),
      peer_names_(std::move(peers)),
      vias_(std::move(vias)),
      modules_(modules),
      effects_(effects),
      routes_(*Routes::make(self_, peer_names_, RoutingTable{}, vias_)),
      in_flight_(1 + peer_names_.size(), limits::kInFlightMax, start) {
  for (const auto& name : peer_names_) {
    peers_.emplace_back();
    peers_.back().name = name;
  }
}

Status Core::set_table(RoutingTable table) {
  return set_topology({peer_names_, vias_, std::move(table)});
}

Status Core::set_topology(Topology next) {
  auto routes = Routes::make(self_, next.peers, std::move(next.table), next.vias);
  if (!routes) return routes.status();
  if (next.peers.size() < peers_.size()) std::abort();
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    if (peers_[i].name == next.peers[i]) continue;
    end_link(PeerIndex{static_cast<std::uint16_t>(i)}, "it is no longer a peer");
    peers_[i] = Peer{};
  }
  peers_.resize(next.peers.size());
  in_flight_.grow(1 + peers_.size());
  for (std::size_t i = 0; i < peers_.size(); ++i) peers_[i].name = next.peers[i];
  peer_names_ = std::move(next.peers);
  vias_ = std::move(next.vias);
  routes_ = *std::move(routes);
  return {};
}

Cost Core::handle(Asker& asker, const RequestView& request, Batch& batch, TimePoint now) {
  const auto refuse = [&](const Status& status) {
    fail(asker, status);
    return Cost::kLittle;
  };
  const auto bytes = wire::body_bytes(request);
  run_bytes_ += bytes;
  const auto route = routes_.find(request.target);
  const auto* function = route && !route->peer ? modules_.find(request.function) : nullptr;
  if (request.permit != nullptr) {
    const auto* known = function != nullptr ? function->known : functions::find(request.function);
    if (const auto status = check_permit(request, known); !status.ok()) {
      effects_.denied(asker.origin, request);
      return refuse(status);
    }
  }
  if (!route) return refuse(route.status());
  asker.entry = route->entry;
  // Else it might not fit a record at a later hop.
  if (bytes > limits::kBodyBytesMax) {
    return refuse({StatusCode::kTooLarge, over_limit("request", bytes, limits::kBodyBytesMax)});
  }
  if (request.timeout_ms == 0) {
    return refuse({StatusCode::kDeadlineExceeded, "no time was left when the request reached " +
                                                      self_.str() + "; it was not executed"});
  }
  const auto deadline = deadline_after(now, request.timeout_ms);
  if (route->peer) {
    forward(asker, request, bytes, *route->peer, deadline);
    return Cost::kLittle;
  }
  if (function == nullptr && request.permit != nullptr &&
      !request.permit->may_call(request.function)) {
    return refuse({StatusCode::kUndefinedFunction,
                   self_.str() + " has no function " + in_quotes(request.function)});
  }
  if (function == nullptr) return refuse(modules_.undefined(self_.str(), request.function));
  if (request.permit != nullptr && function->is_administration()) {
    effects_.administered(asker.origin, request);
  }
  execute(asker, request, *function, {now, deadline}, batch);
  return function->cost;
}

void Core::forward(const Asker& asker, const RequestView& request, std::size_t bytes, PeerIndex to,
                   TimePoint deadline) {
  const auto entry = entry_text(asker.entry);
  if (const auto status = can_forward(request, bytes, to, entry); !status.ok())
    return fail(asker, status);
  const auto id = in_flight_.add(link_of(to), bytes, deadline, asker);
  if (!id) return fail(asker, table_full());
  counters_.forwarded.add();
  // The quickest way of a frame cannot be measured, as nodes have no common clock. It counts as a
  // millisecond, so that the time left shrinks with every hop.
  effects_.forward(to, request, *id, deadline - kHopCost, {self_.str(), entry});
}

Status Core::table_full() const {
  return {StatusCode::kOverloaded, self_.str() + " has " + std::to_string(in_flight_.size()) +
                                       " requests under way, as many as it takes; the request "
                                       "was not executed"};
}

void Core::on_reply(PeerIndex peer, const ReplyView& reply) {
  if (in_flight_.find(reply.id) == nullptr) return counters_.late_replies.add();
  if (in_flight_.link_of(reply.id) != link_of(peer)) return counters_.forged_replies.add();
  const auto taken = in_flight_.take(reply.id);
  answer(taken->payload, reply, way_over(link_of(peer)));
}

void Core::leave_queue(RequestId id, std::optional<TimePoint> when) {
  auto* asker = in_flight_.find(id);
  if (asker != nullptr && asker->traced) asker->left_queue = when ? *when : effects_.clock();
}

void Core::complete(Call::Ticket ticket, const Status& outcome, std::string_view result) {
  const auto taken = in_flight_.take(ticket);
  if (!taken) return counters_.late_replies.add();
  const auto status = outcome.ok() ? check_result(result.size()) : outcome;
  ReplyView reply;
  reply.code = status.code();
  reply.text = status.text();
  reply.result = status.ok() ? result : std::string_view{};
  answer(taken->payload, reply, {self_.str()});
}

void Core::on_tick(TimePoint now) {
  if (const auto count = slow_.take_left_out(now); count > 0) {
    effects_.slow_requests_left_out(count);
  }
  while (const auto taken = in_flight_.take_expired(now)) {
    const auto way = way_over(taken->link);
    fail(taken->payload,
         {StatusCode::kOutcomeUnknown,
          "no reply came from " + std::string{way.next} + " in time; the request reached " +
              self_.str() + " " + std::to_string(micros(taken->payload.arrived, now) / 1000) +
              " ms ago"},
         way);
  }
}

void Core::fail_all() {
  const auto links = 1 + peers_.size();
  for (std::size_t i = 1; i <= links; ++i) {
    const auto link = i % links;  // the local one last
    while (const auto taken = in_flight_.take_oldest(link)) {
      const auto way = way_over(taken->link);
      fail(taken->payload,
           {StatusCode::kOutcomeUnknown,
            self_.str() + " stopped before a reply arrived" +
                (link == kLocalLink ? "" : " from " + std::string{way.next})},
           way);
    }
  }
}

void Core::fail(const Asker& asker, const Status& status, const Way& way) {
  ReplyView reply;
  reply.code = status.code();
  reply.text = status.text();
  answer(asker, reply, way);
}

void Core::answer(const Asker& asker, ReplyView reply, const Way& way) {
  counters_.replies[static_cast<std::size_t>(reply.code)].add();
  reply.id = asker.origin.request;
  if (reply.result.empty() && !reply.bytes) reply.result = kNil;
  run_bytes_ += wire::result_bytes(reply);
  if (asker.traced) {
    const auto now = std::max(effects_.clock(), asker.arrived);
    add_hop(asker, reply, way, now);
    if (asker.note != SlowRequests::kNone) end_note(asker, reply, now);
  }
  effects_.reply(asker.origin, reply);
}

void Core::end_note(const Asker& asker, ReplyView& reply, TimePoint now) {
  if (const auto line = slow_.end(asker.note, reply, asker.arrived, now)) {
    effects_.slow_request(asker.origin, *line);
  }
  if (!asker.trace_unwanted) return;
  reply.trace = {};
  reply.trace_hops = 0;
}

// The hop's parts add up: what is not waiting here is execution, or else the link's.
void Core::add_hop(const Asker& asker, ReplyView& reply, const Way& way, TimePoint now) {
  if (reply.trace_hops > limits::kHopsMax) return;
  const bool went_on = !way.next.empty() && asker.left_queue != TimePoint{};
  const auto left = went_on ? std::clamp(asker.left_queue, asker.arrived, now) : now;
  const auto entry = entry_text(asker.entry);
  wire::TraceHop hop;
  hop.node = self_.str();
  hop.entry = entry;
  hop.next = way.next;
  hop.elapsed_us = micros(asker.arrived, now);
  hop.queue_us = micros(asker.arrived, left);
  hop.executed_us = way.next == self_.str() ? hop.elapsed_us - hop.queue_us : 0;
  hop.link = way.link;
  trace_.clear();
  wire::append_trace_hop(trace_, hop);
  trace_.append(reply.trace);
  // One that a peer filled to its limit goes on as it came: with more it would be refused.
  if (trace_.size() > limits::kTraceBytesMax) return;
  reply.trace = trace_.view();
  ++reply.trace_hops;
}

Core::Way Core::way_over(std::size_t link) const {
  if (link == kLocalLink) return {self_.str()};
  const auto& peer = peers_[link - 1];
  return {peer.name.str(), peer.connections};
}

}  // namespace kvmesh::core
