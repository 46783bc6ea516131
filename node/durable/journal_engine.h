#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/status.h>

#include "node/durable/durable_engine.h"
#include "node/journal/journal.h"

namespace kvmesh::durable {

/// An engine whose log is a journal in a folder.
struct JournalEngine {
  std::unique_ptr<DurableEngine> engine;
  const journal::Journal* journal = nullptr;  // the engine's
};

/// Opens the folder, and restores what it has. Blocks for about a second for each million keys.
/// `progress` is told about each second what was restored so far. Errors: those of Journal::open();
/// kFull when `options.bytes_max` is too little for what is there.
Result<JournalEngine> open_journal_engine(
    const DurableEngine::Options& options, const journal::Options& journal,
    const std::function<void(const journal::Recovered&)>& progress);

}  // namespace kvmesh::durable
