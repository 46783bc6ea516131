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

/// Who is told how it goes.
struct JournalEvents {
  /// About each second while the folder is read, with what was read so far. During the opening.
  std::function<void(const journal::Recovered&)> progress;
  /// Once, if the journal fails, and why. On a thread of the journal.
  std::function<void(const std::string&)> failed;
};

/// Opens the folder, and restores what it has. Blocks for about a second for each million keys.
/// Errors: those of Journal::open(); kFull when `options.bytes_max` is too little for what is
/// there.
Result<JournalEngine> open_journal_engine(const DurableEngine::Options& options,
                                          const journal::Options& journal, JournalEvents events);

}  // namespace kvmesh::durable
