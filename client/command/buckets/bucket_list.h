#pragma once

#include <kvmesh/client.h>
#include <kvmesh/status.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/command/base/session.h"
#include "client/command/verify/live_mesh.h"
#include "client/verify/mesh_model.h"
#include "common/routing_table.h"

/// A part of the names of buckets, in the order of their bytes. Pure functions.
namespace kvmesh::command {

struct NameBounds {
  std::string after;               // names are greater than this one
  std::optional<std::string> end;  // and smaller than this one; empty: up to the last
  std::optional<RouteRange> only;  // and in this one, if it is by hash

  bool is_before_end(std::string_view name) const { return !end || name < *end; }
  /// The same part, but for names up to `name`.
  void begin_after(const std::string& name) { after = std::max(after, name); }
};

/// All names that an entry with this range is for.
NameBounds names_in(const RouteRange& range);

/// Of those, what a table decides by the first byte while the range is by hash: what a node with
/// that table holds of it was not given to it, or taken from it, by an entry with this range.
verify::NameSet names_beyond(const RouteRange& range, const RoutingTable& table);

/// All names that begin with `prefix`, itself included; all names when it is empty.
NameBounds names_with(std::string_view prefix);

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

/// The buckets of all nodes of a mesh as one list: each once, in the order of their names. Of each
/// node those that its table gives to it. However many nodes
/// there are, only kOpenMax connections are open at once. One thread.
class MeshBuckets {
 public:
  /// Walks the mesh from the session's node. The status when that cannot be asked. Blocks.
  /// REQUIRES: session.client() has succeeded; the session outlives this. `until`: in a hurry, as
  /// of live_mesh(); what is not known by then is missing.
  static Result<MeshBuckets> open(
      Session& session, const NameBounds& bounds,
      std::optional<std::chrono::steady_clock::time_point> until = std::nullopt);

  /// The same of a mesh that was walked: of the nodes of its model, and those that are silent.
  static MeshBuckets of(Session& session, const LiveMesh& mesh, const NameBounds& bounds);

  /// The next `limit` names at most; Names::more as Client::buckets() means it.
  Names next(std::uint32_t limit);
  /// What is not in the list, and why: sentences. Complete after the last page.
  const std::vector<std::string>& missing() const { return missing_; }
  /// Buckets that nodes hold though their tables give them to others: sentences. Not in the list.
  const std::vector<std::string>& strays() const { return strays_; }

 private:
  struct Source {
    verify::MeshNode node;
    Way way;
    BucketList list;
    std::optional<NodeAccess> at{};
    std::vector<std::string> names{};  // of the last page
    std::size_t place = 0;             // of the next one in it
    bool is_over = false;
  };

  static constexpr std::size_t kOpenMax = 4;

  explicit MeshBuckets(Session& session) : session_(&session) {}
  Status connect(Source& source);
  // Fills the source's page where that is used up; false when there are no more names.
  bool fill(Source& source, std::uint32_t limit);

  Session* session_;
  std::optional<std::chrono::steady_clock::time_point> until_;
  std::vector<Source> sources_;
  std::deque<std::size_t> open_;  // sources with a connection of their own, the oldest first
  std::vector<std::string> missing_;
  std::vector<std::string> strays_;
};

}  // namespace kvmesh::command
