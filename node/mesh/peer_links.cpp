#include "node/mesh/peer_links.h"

#include <chrono>
#include <utility>

#include <spdlog/spdlog.h>

#include "common/text.h"
#include "node/core/adapter.h"

namespace kvmesh::mesh {

namespace {

constexpr std::size_t kWhyBytesMax = 512;
constexpr int kFramesAtTheEnd = 64;  // of replies that have come in when a link is to end

// A reason may hold what the far side wrote: it goes into the log and into the texts of errors.
std::string one_line(std::string_view text) { return printable(text.substr(0, kWhyBytesMax)); }

}  // namespace

// One peer's link, and what it tells.
class PeerLinks::PeerLink final : public transport::LinkEvents {
 public:
  PeerLink(PeerLinks& owner, PeerIndex index, zmq::context_t& context,
           transport::Link::Options options)
      : owner_(owner), index_(index), link_(context, std::move(options), *this) {}

  transport::Link& link() { return link_; }
  bool awake = false;
  /// It ends because of this, which the log is told of by the one who ends it.
  void end(const std::string& reason) {
    last_why_ = reason;
    link_.end(reason);
  }

  void on_open(transport::Link& link) override {
    fd_ = link.fd();
    monitor_fd_ = link.monitor_fd();
    owner_.watcher_.watch(fd_, [this] {
      link_.notice_frames();
      owner_.wake(*this);
    });
    owner_.watcher_.watch(monitor_fd_, [this] {
      link_.notice_events();
      owner_.wake(*this);
    });
  }
  void on_close(transport::Link& /*link*/) override {
    owner_.watcher_.unwatch(fd_);
    owner_.watcher_.unwatch(monitor_fd_);
  }
  void on_up(transport::Link& link, const wire::Welcome& welcome) override {
    spdlog::info("link to {} is up ({})", link.options().peer.str(), in_quotes(welcome.software));
    last_why_.clear();
    owner_.core_.on_peer_up(index_, {welcome.in_flight_max, welcome.in_flight_bytes_max});
    owner_.events_.on_peer_up(index_);
  }
  void on_reply(transport::Link& /*link*/, const ReplyView& reply) override {
    owner_.core_.on_reply(index_, reply);
  }
  void on_draining(transport::Link& link, const std::string& why) override {
    const auto shown = one_line(why);
    spdlog::info("link to {} takes no more requests: {}", link.options().peer.str(), shown);
    owner_.core_.on_peer_draining(index_, shown);
    owner_.events_.on_peer_down(index_, shown);
  }
  void on_sent(transport::Link& /*link*/, RequestId id, TimePoint when) override {
    owner_.core_.on_sent(id, when);
  }
  void on_expired(transport::Link& /*link*/, RequestId id) override {
    owner_.core_.on_expired(id, owner_.now_);
  }
  void on_unsent(transport::Link& /*link*/, RequestId id) override { owner_.core_.on_unsent(id); }
  void on_down(transport::Link& link, const std::string& reason) override {
    const auto why = one_line(reason);
    // A peer that stays away is news once, not at every attempt.
    if (why != last_why_) {
      spdlog::warn("link to {} at {} is down: {}", link.options().peer.str(),
                   link.options().endpoint, why);
    }
    last_why_ = why;
    owner_.core_.on_peer_down(index_, why);
    owner_.events_.on_peer_down(index_, why);
  }

 private:
  PeerLinks& owner_;
  PeerIndex index_;
  transport::Link link_;
  int fd_ = -1;
  int monitor_fd_ = -1;
  std::string last_why_;
};

PeerLinks::PeerLinks(zmq::context_t& context, const Settings& settings, const std::string& software,
                     std::uint64_t incarnation, const std::function<std::uint64_t()>& table_epoch,
                     core::Core& core, Watcher& watcher, PeerEvents& events)
    : context_(context), core_(core), watcher_(watcher), events_(events) {
  options_.self = settings.name;
  options_.software = software;
  options_.incarnation = incarnation;
  options_.table_epoch = table_epoch;
  options_.ping_interval = settings.mesh.ping_interval;
  options_.peer_timeout = settings.mesh.peer_timeout;
  options_.reconnect_min = settings.mesh.reconnect_min;
  options_.reconnect_max = settings.mesh.reconnect_max;
}

PeerLinks::~PeerLinks() = default;

void PeerLinks::set_peers(const std::vector<PeerAddress>& peers, TimePoint now) {
  if (links_.size() < peers.size()) links_.resize(peers.size());
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const PeerIndex index{static_cast<std::uint16_t>(i)};
    const auto wanted = i < peers.size() ? peers[i] : PeerAddress{};
    if (links_[i] != nullptr) {
      const auto& options = links_[i]->link().options();
      if (PeerAddress{options.peer, options.endpoint} == wanted) continue;
      end(index,
          options.peer == wanted.name
              ? "its address is " + wanted.endpoint + " now, no longer " + options.endpoint
              : "it is no longer a peer of " + options_.self.str(),
          now);
    }
    if (wanted.name.empty()) continue;
    auto options = options_;
    options.endpoint = wanted.endpoint;
    options.peer = wanted.name;
    options.peer_keys = keys_of(wanted.name);
    links_[i] = std::make_unique<PeerLink>(*this, index, context_, std::move(options));
  }
}

void PeerLinks::set_keys(const security::KeyPair& own,
                         std::shared_ptr<const security::Principals> principals, TimePoint now) {
  now_ = now;
  options_.key = own;
  principals_ = std::move(principals);
  for (const auto& link : links_) {
    if (link != nullptr) link->link().set_keys(own, keys_of(link->link().options().peer));
  }
}

std::vector<security::PublicKey> PeerLinks::keys_of(const NodeName& peer) const {
  const auto* principal = principals_ == nullptr ? nullptr : principals_->find(peer.str());
  if (principal == nullptr || !principal->is_node) return {};
  auto out = principal->keys;
  std::erase_if(out, [this](const auto& key) { return principals_->is_revoked(key); });
  return out;
}

void PeerLinks::end(PeerIndex peer, const std::string& why, TimePoint now) {
  now_ = now;
  auto& link = *links_[peer.value];
  link.link().notice_frames();
  (void)link.link().receive(now, kFramesAtTheEnd);
  link.end(why);
  std::erase(awake_, &link);
  links_[peer.value].reset();
}

void PeerLinks::wake(PeerLink& link) {
  if (link.awake) return;
  link.awake = true;
  awake_.push_back(&link);
}

void PeerLinks::forward(PeerIndex peer, const RequestView& request, RequestId id,
                        TimePoint deadline, const wire::PathStep& step) {
  auto& link = *links_[peer.value];
  wake(link);
  link.link().add_request(request, id, deadline, &step);
}

transport::Link::Unsent PeerLinks::unsent(PeerIndex peer) const {
  return links_[peer.value]->link().unsent();
}

bool PeerLinks::receive(TimePoint now, int frames_max) {
  now_ = now;
  if (awake_.empty()) return false;
  const auto until = std::chrono::steady_clock::now() + core::kPassTimeMax;
  bool more = false;
  // By index: what a link tells may wake others. Where it stopped it goes on next time, so that all
  // links have their turn.
  for (auto left = awake_.size(); left > 0; --left) {
    turn_ = (turn_ + 1) % awake_.size();
    more |= awake_[turn_]->link().receive(now, frames_max, until);
    if (left > 1 && std::chrono::steady_clock::now() >= until) return true;
  }
  return more;
}

void PeerLinks::flush() {
  for (auto* link : awake_) link->link().flush();
}

bool PeerLinks::is_ready() {
  std::erase_if(awake_, [](PeerLink* link) {
    link->awake = link->link().is_ready();
    return !link->awake;
  });
  return !awake_.empty();
}

transport::Link::State PeerLinks::state(PeerIndex peer) const {
  return links_[peer.value]->link().state();
}

const std::string& PeerLinks::endpoint(PeerIndex peer) const {
  return links_[peer.value]->link().options().endpoint;
}

void PeerLinks::tick(TimePoint now) {
  now_ = now;
  for (const auto& link : links_) {
    if (link == nullptr) continue;
    (void)link->link().receive(now, 1);
    wake(*link);
  }
  for (const auto& link : links_) {
    if (link != nullptr) link->link().tick(now);
  }
}

}  // namespace kvmesh::mesh
