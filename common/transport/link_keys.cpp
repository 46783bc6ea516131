// The keys of a link: whom it speaks to, and as whom.

#include <algorithm>
#include <string>
#include <utility>

#include "common/transport/link.h"

namespace kvmesh::transport {
namespace {

using Disagreement = Dealer::Disagreement;

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

// The next attempt expects the other one of the peer's keys, if it has two.
std::string Link::why_lost(const Dealer::Happening& happening) {
  const bool is_node = !options_.self.empty();
  switch (happening.disagreement) {
    case Disagreement::kNone:
      return happening.why;
    case Disagreement::kOnlyOne:
      if (options_.key) {
        return "the node there has no key, so it cannot prove who it is; " +
               std::string{is_node ? "give it one (mesh.key)"
                                   : "give it one (mesh.key), or connect without yours"};
      }
      return "the node there wants a key; " +
             std::string{is_node ? "give this node one (mesh.key, mesh.security)"
                                 : "use --key FILE or KVMESH_KEY"};
    case Disagreement::kServerKey:
      ++key_turn_;
      return "what answers there does not have the key " + shown(tried_) +
             (is_node ? ", which the file of mesh.security says is one of " + options_.peer.str()
                      : ", which your key file says is this node's (under [nodes])") +
             "; correct the file, or find out who listens there";
    case Disagreement::kRefused:
      return "the node there does not let the key " + shown(options_.key->public_key) +
             " in; add it to the file of that node's mesh.security and type kvmesh reload there, "
             "or use another key";
  }
  return happening.why;
}

}  // namespace kvmesh::transport
