#pragma once

#include <memory>

#include <kvmesh/status.h>

#include "common/config/settings.h"
#include "node/journal/journal.h"
#include "node/store/engine.h"

namespace kvmesh {

/// What keeps a node's buckets.
struct OpenedStore {
  std::unique_ptr<store::Engine> engine;      // null: the node stores none
  const journal::Journal* journal = nullptr;  // the engine's; null: nothing outlives the node
};

/// Opens it as the settings say. Blocks until all that is kept is in memory, and logs how far it
/// is. `accept_loss`: as journal::Options. The text of an error says what to do.
Result<OpenedStore> open_store(const Settings& settings, bool accept_loss);

}  // namespace kvmesh
