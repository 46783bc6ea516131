#pragma once

#include <string>
#include <vector>

#include <kvmesh/status.h>

#include "common/config/load.h"

namespace kvmesh {

/// The configuration of one node, as its file says it.
struct NodeFile {
  std::string path;
  LoadedSettings loaded;
};

/// Reads the configurations of many nodes, for programs that look at a mesh as a whole. Each of
/// `paths` is a file, or a directory: then every file in it that ends in .toml, in the order of the
/// names, and none below it; security.toml is passed over, as it is no node's. A file that is named
/// twice counts once.
///
/// Each file is one node, read as that node itself would read it, but without environment and
/// command line: configurations that are put together from several files must be joined before.
/// Nothing is said about how they go together; two may have the same name.
///
/// On any fault nothing is returned but kInvalidArgument, whose text holds every fault of every
/// file, one a line, as load_settings() tells them; a directory without such a file is a fault, and
/// so are no paths at all. Reads the files and nothing else. Thread-safe.
Result<std::vector<NodeFile>> read_node_files(const std::vector<std::string>& paths);

}  // namespace kvmesh
