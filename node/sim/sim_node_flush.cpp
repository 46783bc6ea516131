// The end of a simulated node's pass: what leaves, and what was over before it could.
#include <algorithm>
#include <string>
#include <utility>

#include "common/wire/record.h"
#include "node/sim/process.h"
#include "node/sim/sim_node.h"
#include "node/sim/timing.h"

namespace kvmesh::sim {

void SimNode::flush(Micros at) {
  for (const auto peer : dirty_links_) {
    auto& link = process_->links[peer];
    link.dirty = false;
    flush_link(link, at);
    tell_expired(peer, at);
    if (!link.sealed.empty() && !std::exchange(link.dirty, true)) retry_.push_back(peer);
  }
  dirty_links_.clear();
  std::swap(dirty_links_, retry_);
  for (const auto connection : dirty_replies_) {
    world_.network.send(process_->replies.at(connection), at);
  }
  dirty_replies_.clear();
  process_->replies.clear();
  if (process_->core.in_flight() > 0 && !std::exchange(tick_scheduled_, true)) {
    // Each node has a phase of its own, as processes have that start at different times.
    const auto phase =
        Micros{static_cast<std::int64_t>(index_) * 7919 % kNodeTick.count()} - kNodeTick;
    const auto ticks = (at - phase) / kNodeTick + 1;
    world_.events.add(phase + ticks * kNodeTick, EventKind::kTick, index_, 0, process_->life);
  }
}

void SimNode::flush_link(Link& link, Micros at) {
  if (link.state != Link::State::kUp) return;
  seal(link);
  while (!link.sealed.empty()) {
    auto& batch = link.sealed.front().batch;
    const auto leaves = clock_.time(at);
    batch.expire(leaves, [&](RequestId id) { link.expired.push_back(id); });
    if (!batch.empty()) {
      if (!world_.network.takes_requests(link.connection)) return;
      const auto id = world_.network.make_frame(link.connection, true, FrameSort::kRequests);
      auto& frame = world_.network.frame(id);
      frame.bytes.append(batch.frame(leaves, clock_.stamp(at)).view());
      if (world_.recorder != nullptr) {
        batch.each([&](RequestId sent) { frame.records.push_back(link.records[sent.value]); });
      }
      world_.network.send(id, at);
    }
    link.sealed.pop_front();
  }
}

void SimNode::seal(Link& link) {
  if (link.batch.requests() == 0) return;
  link.sealed.emplace_back(std::exchange(link.batch, wire::RequestBatch{true}));
}

// What is over before it leaves, as Link::tick() has it.
void SimNode::expire_unsent() {
  const auto peers = static_cast<std::uint16_t>(process_->links.size());
  for (std::uint16_t peer = 0; peer < peers; ++peer) {
    auto& link = process_->links[peer];
    if (link.sealed.empty() && link.batch.requests() == 0) continue;
    const auto note = [&](RequestId id) { link.expired.push_back(id); };
    link.batch.expire(clock(), note);
    for (auto& sealed : link.sealed) sealed.batch.expire(clock(), note);
    std::erase_if(link.sealed, [](const Sealed& sealed) { return sealed.batch.empty(); });
    tell_expired(peer, now());
  }
}

void SimNode::tell_expired(std::uint16_t peer, Micros at) {
  auto& link = process_->links[peer];
  acts_at_ = at;
  only_ = StatusCode::kDeadlineExceeded;
  for (const auto id : std::exchange(link.expired, {})) {
    if (world_.recorder != nullptr) world_.recorder->expired_unsent(link.records[id.value]);
    process_->core.on_expired(id, clock());
  }
  only_.reset();
}

}  // namespace kvmesh::sim
