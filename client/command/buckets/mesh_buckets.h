#pragma once

#include <kvmesh/client.h>
#include <kvmesh/status.h>

#include <cstdint>
#include <string>
#include <vector>

#include "client/command/base/session.h"
#include "client/command/buckets/bucket_list.h"
#include "client/command/buckets/name_bounds.h"
#include "client/verify/mesh_model.h"

namespace kvmesh::command {

/// The buckets of all nodes of a mesh as one list: each once, in the order of their names. Of each
/// node those that its table gives to it. One thread.
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
    NodeAccess at;
    BucketList list;
    std::vector<std::string> names{};  // of the last page
    std::size_t place = 0;             // of the next one in it
    bool is_over = false;
  };

  // Fills the source's page where that is used up; false when there are no more names.
  bool fill(Source& source, std::uint32_t limit);

  std::vector<Source> sources_;
  std::vector<std::string> missing_;
  std::vector<std::string> strays_;
};

}  // namespace kvmesh::command
