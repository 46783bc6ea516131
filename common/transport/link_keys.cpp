// The keys of a link: whom it speaks to, and as whom.

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "common/transport/link.h"
#include "common/transport/probe.h"

namespace kvmesh::transport {
namespace {

using Disagreement = Dealer::Disagreement;

// For another host, of a client.
constexpr std::chrono::milliseconds kPatience{200};

std::string shown(const security::PublicKey& key) { return key.fingerprint() + "..."; }

}  // namespace

Status Link::secure() {
  if (!options_.key) return {};
  const auto& keys = options_.peer_keys;
  if (keys.empty()) {
    return {StatusCode::kUnavailable, "no key of it is known, so it could not prove who it is"};
  }
  tried_ = keys[key_turn_ % keys.size()];
  return dealer_->secure(*options_.key, tried_);
}

void Link::set_keys(const security::KeyPair& key, std::vector<security::PublicKey> peer_keys) {
  options_.key = key;
  options_.peer_keys = std::move(peer_keys);
  key_turn_ = 0;
  if (dealer_ && std::ranges::find(options_.peer_keys, tried_) == options_.peer_keys.end()) {
    end("its key " + shown(tried_) + " is no longer " +
        (options_.peer.empty() ? "that of a node" : "one of " + options_.peer.str()));
  }
}

// When only one side has a key, the other may end the connection before its greeting, which would
// show it, is out; then it is asked once more. A node has others to serve meanwhile.
std::string Link::why_lost(const Dealer::Happening& happening) {
  auto what = happening.disagreement;
  if (what == Disagreement::kUnknown) {
    const auto patience = options_.self.empty() ? kPatience : std::chrono::milliseconds{0};
    const auto mechanism = probe_mechanism(dealer_->endpoint(), patience);
    if (mechanism == (options_.key ? "NULL" : "CURVE")) what = Disagreement::kOnlyOne;
  }
  keys_disagree_ =
      what == Disagreement::kOnlyOne || (what == Disagreement::kRefused && options_.key);
  switch (what) {
    case Disagreement::kNone:
      return happening.why;
    case Disagreement::kOnlyOne:
      return why_only_one();
    case Disagreement::kRefused:
      if (!options_.key) return happening.why;
      return "the node there does not let the key " + shown(options_.key->public_key) +
             " in; add it to the file of that node's mesh.security and type kvmesh reload there, "
             "or use another key";
    case Disagreement::kUnknown:
      return options_.key ? why_other_key() : happening.why;
  }
  return happening.why;
}

std::string Link::why_only_one() const {
  const bool is_node = !options_.self.empty();
  if (options_.key) {
    return "the node there has no key, so it cannot prove who it is; " +
           std::string{is_node ? "give it one (mesh.key)"
                               : "give it one (mesh.key), or connect without yours (--key none)"};
  }
  return "the node there wants a key; " +
         std::string{is_node ? "give this node one (mesh.key, mesh.security)"
                             : "use --key FILE or KVMESH_KEY"};
}

// The next attempt expects the other one of the peer's keys, if it has two.
std::string Link::why_other_key() {
  ++key_turn_;
  const bool is_node = !options_.self.empty();
  return "what answers there does not have the key " + shown(tried_) +
         (is_node ? ", which the file of mesh.security says is one of " + options_.peer.str()
                  : ", which your key file says is this node's (under [nodes])") +
         "; correct the file, or find out who listens there";
}

}  // namespace kvmesh::transport
