#include "node/tasks/node_watch.h"

#include <algorithm>
#include <utility>

#include "common/wire/pack.h"

namespace kvmesh::tasks {
namespace {

const std::string kGone = "it is no longer a peer of ";

void pack_change(wire::Buffer& out, const NodeName& peer, bool up, std::string_view why) {
  wire::pack_array(out, 3);
  wire::pack_str(out, peer.str());
  wire::pack_bool(out, up);
  wire::pack_str(out, why);
}

}  // namespace

NodeWatch::NodeWatch(Options options, Runtime& runtime)
    : options_(std::move(options)),
      runtime_(runtime),
      first_known_(options_.first),
      last_(options_.first),
      told_(options_.first) {
  for (const auto& name : options_.peers) peers_.push_back({name});
}

void NodeWatch::set_peers(const std::vector<NodeName>& peers) {
  for (auto& its : peers_) {
    if (its.name.empty() || std::ranges::find(peers, its.name) != peers.end()) continue;
    gone_.push_back({its.name, ++last_});
    its = Peer{};
  }
  peers_.resize(std::max(peers_.size(), peers.size()));
  for (std::size_t i = 0; i < peers.size(); ++i) {
    auto& its = peers_[i];
    if (its.name == peers[i]) continue;
    its.name = peers[i];
    its.changed = ++last_;
    const auto before = std::ranges::find(gone_, its.name, &Gone::name);
    if (before == gone_.end()) continue;
    its.fell = before->changed;
    gone_.erase(before);
  }
  while (gone_.size() > limits::kPeersMax) {
    first_known_ = gone_.front().changed;
    gone_.pop_front();
  }
}

void NodeWatch::on_up(PeerIndex peer) {
  Peer& its = peers_[peer.value];
  if (its.up) return;
  its.up = true;
  its.changed = ++last_;
}

void NodeWatch::on_down(PeerIndex peer, std::string_view why) {
  Peer& its = peers_[peer.value];
  its.why = why;
  if (!its.up) return;
  its.up = false;
  its.changed = its.fell = ++last_;
}

void NodeWatch::poll(Ticket ticket, std::uint64_t seen, TimePoint now) {
  if (stopped_) return refuse(ticket);
  const Poll poll{ticket, seen, now + options_.slice};
  if (seen != last_) return answer(poll);
  polls_.push_back(poll);
}

void NodeWatch::answer(const Poll& poll) {
  const bool knows = was_told(poll.seen);
  scratch_.clear();
  wire::pack_array(scratch_, 3);
  wire::pack_str(scratch_, options_.self.str());
  wire::pack_uint(scratch_, last_);
  const auto count_at = wire::pack_open_array(scratch_);
  std::uint32_t count = 0;
  for (const auto& peer : gone_) {
    if (!knows || peer.changed <= poll.seen) continue;
    pack_change(scratch_, peer.name, false, kGone + options_.self.str());
    ++count;
  }
  for (const auto& peer : peers_) {
    if (peer.name.empty()) continue;
    if (knows && peer.changed <= poll.seen) continue;
    if (knows && peer.up && peer.fell > poll.seen) {
      pack_change(scratch_, peer.name, false, peer.why);
      ++count;
    }
    pack_change(scratch_, peer.name, peer.up, peer.up ? std::string_view{} : peer.why);
    ++count;
  }
  scratch_.put_u32(count_at, count);
  runtime_.answer(poll.ticket, {}, scratch_.view());
}

void NodeWatch::refuse(Ticket ticket) {
  runtime_.answer(ticket, {StatusCode::kUnavailable, options_.self.str() + " is stopping"}, {});
}

void NodeWatch::flush() {
  if (told_ == last_) return;
  told_ = last_;
  for (const auto& poll : std::exchange(polls_, {})) {
    poll.seen == last_ ? polls_.push_back(poll) : answer(poll);
  }
}

void NodeWatch::on_tick(TimePoint now) {
  flush();
  while (!polls_.empty() && polls_.front().due <= now) {
    answer(polls_.front());
    polls_.pop_front();
  }
}

void NodeWatch::stop() {
  stopped_ = true;
  for (const auto& poll : std::exchange(polls_, {})) refuse(poll.ticket);
}

}  // namespace kvmesh::tasks
