// What the core knows of the links to its peers: which of them take requests, how many, and what
// becomes of those that were given to a link when it ends or cannot send them.

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include <kvmesh/limits.h>

#include "node/core/core.h"
#include "node/core/loop_guard.h"

namespace kvmesh::core {

Status Core::can_forward(const RequestView& request, std::size_t bytes, PeerIndex to,
                         std::string_view entry) const {
  if (auto status = check_path(request, self_.str(), entry); !status.ok()) return status;
  const Peer& peer = peers_[to.value];
  if (!peer.up) {
    return {StatusCode::kUnavailable, self_.str() + " cannot reach " + peer.name.str() + ": " +
                                          peer.why_down + "; the request was not executed"};
  }
  return check_window(bytes, to);
}

// What is in flight, and what was answered before it left and takes memory still: else a link that
// is slower than its askers are patient would take more and more.
Status Core::check_window(std::size_t more, PeerIndex to) const {
  const Peer& peer = peers_[to.value];
  const auto unsent = effects_.unsent(to);
  const auto requests = std::max(in_flight_.link_size(link_of(to)), unsent.requests);
  const auto bytes = in_flight_.link_bytes(link_of(to));
  if (requests < peer.window.requests && bytes + more <= peer.window.bytes &&
      unsent.bytes <= peer.window.bytes) {
    return {};
  }
  return {StatusCode::kOverloaded,
          "one more request of " + std::to_string(more) + " bytes is more than " + peer.name.str() +
              " takes from " + self_.str() + ": " + std::to_string(requests) + " of " +
              std::to_string(peer.window.requests) + " requests and " +
              std::to_string(std::max(bytes, unsent.bytes)) + " of " +
              std::to_string(peer.window.bytes) +
              " bytes are in flight, or not sent yet; the request was not executed"};
}

void Core::on_peer_up(PeerIndex peer, Window window) {
  end_link(peer, "another connection took its place");
  Peer& p = peers_[peer.value];
  p.up = true;
  ++p.connections;
  p.why_down.clear();
  p.window.requests = std::min<std::uint64_t>(window.requests, limits::kInFlightPerLinkMax);
  p.window.bytes = std::min<std::uint64_t>(window.bytes, limits::kInFlightBytesPerLinkMax);
}

void Core::on_peer_draining(PeerIndex peer, std::string why) {
  peers_[peer.value].up = false;
  peers_[peer.value].why_down = std::move(why);
}

void Core::on_peer_down(PeerIndex peer, std::string why) { end_link(peer, std::move(why)); }

void Core::end_link(PeerIndex peer, std::string why) {
  on_peer_draining(peer, std::move(why));
  const Peer& p = peers_[peer.value];
  while (const auto taken = in_flight_.take_oldest(link_of(peer))) {
    fail(taken->payload,
         {StatusCode::kOutcomeUnknown, "it was sent to " + p.name.str() +
                                           ", and the connection ended (" + p.why_down +
                                           ") before a reply arrived"},
         way_over(link_of(peer)));
  }
}

void Core::on_unsent(RequestId id) {
  const auto taken = in_flight_.take(id);
  if (!taken) return;
  const auto next = way_over(taken->link).next;
  fail(taken->payload, {StatusCode::kUnavailable, "the connection to " + std::string{next} +
                                                      " ended before the request could be "
                                                      "sent; it was not executed"});
}

void Core::on_expired(RequestId id, TimePoint now) {
  const auto taken = in_flight_.take(id);
  if (!taken) return;
  const auto next = way_over(taken->link).next;
  fail(taken->payload,
       {StatusCode::kDeadlineExceeded,
        "its time was over before it could be sent to " + std::string{next} +
            "; the request reached " + self_.str() + " " +
            std::to_string((now - taken->payload.arrived) / std::chrono::milliseconds{1}) +
            " ms ago and was not executed"});
}

}  // namespace kvmesh::core
