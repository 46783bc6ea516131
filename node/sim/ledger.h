#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "common/names.h"
#include "node/core/core.h"
#include "node/sim/event_queue.h"

namespace kvmesh::sim {

/// What one node owes, as an accountant beside its core sees it: every request that it was given
/// and has not answered, and over which link it went. The core keeps its own books; the two must
/// agree.
class Ledger {
 public:
  struct Debt {
    Micros due{};
    std::uint32_t number = 0;       // the request's place in the plan
    std::uint32_t hops = 0;         // that it had come
    std::optional<PeerIndex> peer;  // whom it was passed to
    std::size_t bytes = 0;
  };
  struct OverLink {
    std::size_t requests = 0;
    std::size_t bytes = 0;
  };

  explicit Ledger(std::size_t links) : links_(links) {}

  /// False when a request of that origin is there already.
  bool add(const core::Origin& origin, const Debt& debt) {
    return debts_.emplace(key_of(origin), debt).second;
  }
  /// What is owed to that origin; null: nothing is. Valid until the next add() or settle().
  Debt* find(const core::Origin& origin) {
    const auto found = debts_.find(key_of(origin));
    return found == debts_.end() ? nullptr : &found->second;
  }
  /// The request goes over a link.
  const OverLink& pass_on(Debt& debt, PeerIndex peer, std::size_t bytes) {
    debt.peer = peer;
    debt.bytes = bytes;
    auto& link = links_[peer.value];
    ++link.requests;
    link.bytes += bytes;
    return link;
  }
  /// It is answered; empty when nothing of that origin was owed.
  std::optional<Debt> settle(const core::Origin& origin) {
    const auto found = debts_.find(key_of(origin));
    if (found == debts_.end()) return std::nullopt;
    const auto debt = found->second;
    debts_.erase(found);
    if (debt.peer) {
      --links_[debt.peer->value].requests;
      links_[debt.peer->value].bytes -= debt.bytes;
    }
    return debt;
  }
  std::size_t size() const { return debts_.size(); }
  const OverLink& over(PeerIndex peer) const { return links_[peer.value]; }

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;  // connection and the asker's own id
  static Key key_of(const core::Origin& origin) {
    return {origin.connection, origin.request.value};
  }

  absl::flat_hash_map<Key, Debt> debts_;
  std::vector<OverLink> links_;
};

}  // namespace kvmesh::sim
