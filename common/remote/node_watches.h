#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "common/remote/connection.h"
#include "common/remote/requests.h"

namespace kvmesh::remote {

/// The nodes whose peers one Mesh watches: asks each of them over and over for changes, and puts
/// these into the mailbox as kNodeUp and kNodeDown. The watch of a node that fails to answer ends,
/// with a kNodeDown of that node, and so does that of the connected one when another is connected;
/// one that is only busy is asked on (poll.h). Driven by answers: needs no thread. Thread-safe.
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
