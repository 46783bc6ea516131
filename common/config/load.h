#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <kvmesh/status.h>

#include "common/config/settings.h"

namespace kvmesh {

/// Where settings come from, weakest first: defaults, files in order, environment, assignments of
/// the command line.
struct SettingsSources {
  std::vector<std::string> files;  // paths
  std::vector<std::pair<std::string, std::string>>
      environment;                       // KVMESH_... variables: name, value
  std::vector<std::string> assignments;  // key=value, from --set
};

/// Settings and what is odd about them though not wrong: entries that can never match, peers nobody
/// routes to.
struct LoadedSettings {
  Settings settings;
  std::vector<std::string> warnings;  // each one line, with its place
  std::string allow_place;            // of tasks.allow, for warnings: "foo.toml:3"
};

/// Reads, merges and checks. A value of the environment or an assignment is read as TOML where it
/// can be, and as plain text where not; tables are merged key by key, arrays replaced whole
/// (config/README.md has examples).
///
/// On any fault nothing is returned but kInvalidArgument, whose text
/// holds every fault found, one a line, as `PLACE: KEY: what is wrong; what to do`, where PLACE is
/// file:line, `environment NAME` or `--set`. Reads the files and nothing else; does not look at the
/// process's environment. Thread-safe.
Result<LoadedSettings> load_settings(const SettingsSources& sources);

/// The same for a node that runs already with `running`: it is a fault as well when `name` is
/// another, or when an entry of the table names this node, which stores nothing until a restart.
Result<LoadedSettings> reload_settings(const SettingsSources& sources, const Settings& running);

/// The variables of this process that begin with KVMESH_ and are settings (KVMESH_NODE and
/// KVMESH_KEY are the client's own).
std::vector<std::pair<std::string, std::string>> settings_environment();

}  // namespace kvmesh
