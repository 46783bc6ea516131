#include "client/endpoints.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/config/address.h"

namespace kvmesh::client {

using transport::Link;

Status check_endpoints(std::vector<std::string>& endpoints) {
  if (endpoints.empty()) {
    return {StatusCode::kInvalidArgument,
            "there is no endpoint to connect to; give one, for example tcp://127.0.0.1:5550"};
  }
  for (const auto& endpoint : endpoints) {
    if (auto status = check_endpoint(endpoint, AddressUse::kConnect); !status.ok()) return status;
  }
  std::set<std::string> seen;
  std::erase_if(endpoints, [&](const auto& endpoint) { return !seen.insert(endpoint).second; });
  return {};
}

Endpoints::Endpoints(zmq::context_t& context, std::vector<Link::Options> options,
                     transport::LinkEvents& events) {
  for (auto& own : options) {
    links_.push_back({std::make_unique<Link>(context, std::move(own), events), {}, {}});
  }
}

std::size_t Endpoints::index_of(const Link& link) const {
  if (links_[current_].link.get() == &link) return current_;
  std::size_t i = 0;
  while (links_[i].link.get() != &link) ++i;
  return i;
}

void Endpoints::tick(TimePoint now) {
  for (std::size_t i = 0; i < links_.size(); ++i) {
    if (!is_idle(links_[i])) links_[i].link->tick(now);
  }
  if (is_trying() && !is_left_) return;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const auto next = (current_ + (is_left_ ? 1 : 0) + i) % links_.size();
    auto& entry = links_[next];
    if (!is_idle(entry) || !entry.link->may_try(now)) continue;
    current_ = next;
    is_left_ = false;
    entry.link->tick(now);
    return;
  }
}

void Endpoints::notice_frames() {
  for (auto& entry : links_) entry.link->notice_frames();
}

bool Endpoints::receive(TimePoint now, int frames_max) {
  bool more = false;
  for (auto& entry : links_) more |= entry.link->receive(now, frames_max);
  return more;
}

bool Endpoints::is_ready() {
  bool ready = false;
  for (auto& entry : links_) ready |= entry.link->is_ready();
  return ready;
}

void Endpoints::watch(std::vector<pollfd>& watched) {
  watched_.clear();
  for (auto& entry : links_) {
    if (is_idle(entry)) continue;
    watched_.push_back({entry.link.get(), watched.size()});
    watched.push_back({entry.link->fd(), POLLIN, 0});
    watched.push_back({entry.link->monitor_fd(), POLLIN, 0});
  }
}

void Endpoints::notice(const std::vector<pollfd>& watched) {
  for (const auto& [link, place] : watched_) {
    if (watched[place].revents != 0) link->notice_frames();
    if (watched[place + 1].revents != 0) link->notice_events();
  }
}

void Endpoints::end(const std::string& why) {
  for (auto& entry : links_) entry.link->end(why);
}

void Endpoints::connected() {
  for (auto& entry : links_) {
    entry.why.clear();
    entry.refused.reset();
  }
}

bool Endpoints::leave(const Link& link, const std::string& why, TimePoint now) {
  const auto index = index_of(link);
  links_[index].why = why;
  links_[index].refused.reset();
  if (why == transport::Dealer::kRefused || link.keys_disagree()) links_[index].refused = now;
  if (index != current_) return false;
  is_left_ = true;
  return true;
}

std::optional<TimePoint> Endpoints::all_refused_since() const {
  std::optional<TimePoint> out = TimePoint::max();
  for (const auto& entry : links_) out = std::min(out, entry.refused);
  return out;
}

std::string Endpoints::why_not(const Entry& entry) {
  if (!entry.why.empty()) return entry.why;
  return is_idle(entry) ? "not tried yet" : entry.link->why_not_yet();
}

std::string Endpoints::why_unreachable() const {
  if (links_.size() == 1) {
    return "cannot reach " + current().options().endpoint + ": " + why_not(links_[0]);
  }
  std::string out = "none of " + std::to_string(links_.size()) + " endpoints can be used";
  const char* before = ": ";
  for (const auto& entry : links_) {
    out += std::exchange(before, "; ") + entry.link->options().endpoint + ": " + why_not(entry);
  }
  return out;
}

}  // namespace kvmesh::client
