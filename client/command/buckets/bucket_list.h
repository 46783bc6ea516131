#pragma once

#include <kvmesh/client.h>
#include <kvmesh/status.h>

#include <memory>
#include <string>
#include <vector>

#include "client/command/base/session.h"
#include "client/command/buckets/name_bounds.h"
#include "client/command/verify/live_mesh.h"

namespace kvmesh::command {

/// A connection over which one node can be asked.
struct NodeAccess {
  Client* client = nullptr;
  std::string target;              // its name for `client`; empty: it is connected itself
  std::unique_ptr<Client> opened;  // what `client` points to, if it was opened for this
};

/// Over the session's connection where the node there knows the way, as the address that nodes have
/// for the node may be good only for them; else as reach(). REQUIRES: session.client() has
/// succeeded. Blocks.
Result<NodeAccess> access(Session& session, const Way& way, const std::string& node);

/// The buckets that one node holds, in the order of their names, page by page. One thread.
class BucketList {
 public:
  /// `client` must outlive it; `target` as NodeAccess::target.
  BucketList(Client& client, std::string target, NameBounds bounds, Timeout timeout)
      : client_(&client),
        target_(std::move(target)),
        bounds_(std::move(bounds)),
        timeout_(timeout) {}

  /// The next names, at least one and at most `limit`, or none when that was all. The status of the
  /// call that failed; kProtocolError when the node does not give names in their order. Blocks.
  Result<std::vector<std::string>> next(std::uint32_t limit = limits::kPageItemsDefault);

  /// The same for another connection to the node, which is asked from here on.
  void go_on_over(Client& client, std::string target) {
    client_ = &client;
    target_ = std::move(target);
  }

 private:
  Client* client_;
  std::string target_;
  NameBounds bounds_;
  Timeout timeout_;
  bool more_ = true;
};

}  // namespace kvmesh::command
