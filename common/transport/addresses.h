#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <kvmesh/status.h>

#include "common/transport/resolver.h"

namespace kvmesh::transport {

/// Where a link may find its node: an endpoint as configured, given out with numbers only. A name
/// is looked up anew for each round of attempts, so addresses that change are noticed at the next
/// reconnect; all addresses of a name are tried in turn. Owned by one thread.
class Addresses {
 public:
  /// `resolver` must outlive this.
  Addresses(std::string endpoint, Resolver& resolver);

  /// The next endpoint to connect to. Empty: the name is being looked up, ask again later; a
  /// look-up that takes long is waited for over many attempts. kUnavailable: the look-up failed.
  std::optional<Result<std::string>> next();
  /// Whether this round has more, which next() would give at once.
  bool has_more() const { return tried_ < found_.size(); }
  /// The connection that next() gave was made: what is left of the round is forgotten.
  void succeeded();

  /// Of a name: what to say when it was not looked up in time.
  std::string still_looking() const;

 private:
  void begin_round(const std::vector<std::string>& addresses);

  std::string endpoint_;
  Resolver& resolver_;
  std::string host_;  // empty: the endpoint has numbers already, or is no TCP endpoint
  std::string port_;
  std::shared_ptr<const Resolver::Question> question_;
  std::vector<std::string> found_;  // of this round
  std::size_t tried_ = 0;           // of those
  // Where the next round begins: who comes last has more time, and that should be everybody once.
  std::size_t rounds_ = 0;
};

}  // namespace kvmesh::transport
