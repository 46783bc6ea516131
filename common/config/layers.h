#pragma once

#include "common/config/faults.h"
#include "common/config/load.h"
#include "common/config/value.h"

namespace kvmesh::config {

/// The layers that `sources` names, read and merged, later ones over earlier ones.
struct Layers {
  Value merged;  // a table; holds nothing of the defaults
  bool complete =
      true;  // false when a source could not be read, so that what seems missing may well be there
};

/// Reads the files; adds a fault for each that is missing, unreadable or not TOML, and for each
/// assignment or variable whose key cannot be read. The keys themselves are not judged here.
Layers read_layers(const SettingsSources& sources, Faults& faults);

}  // namespace kvmesh::config
