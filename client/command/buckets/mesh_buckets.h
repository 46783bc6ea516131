#pragma once

#include <kvmesh/client.h>
#include <kvmesh/status.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "client/command/base/session.h"
#include "client/command/buckets/bucket_list.h"
#include "client/command/buckets/name_bounds.h"
#include "client/verify/mesh_model.h"

namespace kvmesh::command {

/// The buckets of all nodes of a mesh as one list: each once, in the order of their names. Of each
/// node those that its table gives to it. However many nodes
/// there are, only kOpenMax connections are open at once. One thread.
class MeshBuckets {
 public:
  /// Walks the mesh from the session's node. The status when that cannot be asked. Blocks.
  /// REQUIRES: session.client() has succeeded; the session outlives this.
  static Result<MeshBuckets> open(Session& session, const NameBounds& bounds);

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
  std::vector<Source> sources_;
  std::deque<std::size_t> open_;  // sources with a connection of their own, the oldest first
  std::vector<std::string> missing_;
  std::vector<std::string> strays_;
};

}  // namespace kvmesh::command
