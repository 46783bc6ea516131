#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "common/mesh/connection.h"
#include "common/mesh/requests.h"

namespace kvmesh::remote {

/// Before a poll that was refused as kOverloaded is made again: so that many who watch a busy node
/// add little to its work.
inline constexpr std::chrono::milliseconds kBusyPause{250};

/// The nodes whose peers one Mesh watches: asks each of them over and over for changes, and puts
/// these into the mailbox as kNodeUp and kNodeDown. A node that answers kOverloaded is there, and
/// is asked again after kBusyPause for what came behind the last answer. The watch of one that
/// fails in any other way ends, with a kNodeDown of that node. Driven by answers: needs no thread.
/// Thread-safe.
class NodeWatches {
 public:
  explicit NodeWatches(std::shared_ptr<Connection> connection)
      : connection_(std::move(connection)) {}

  /// Watches `node` (empty: the connected one) from its first answer on, which is put into the
  /// mailbox before begin() returns. An earlier watch of the same name ends.
  void begin(const std::string& node, const NodesTold& told);
  /// From its return on nothing more of this watch comes into the mailbox.
  void end(const std::string& node);

 private:
  class Watch;

  const std::shared_ptr<Connection> connection_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Watch>> watches_;
};

}  // namespace kvmesh::remote
