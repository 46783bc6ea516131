#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "node/core/core.h"
#include "node/store/engine.h"

namespace kvmesh::modules {

/// What the module `kv` does between requests, for one reactor: pages of so many names that one
/// look at all of them would hold up everybody are gathered here, in slices, and answered later;
/// and it gives the engine time for what that has put off.
/// Pages are gathered one after the other, so that what waits takes little memory.
/// Owned by one reactor; no locks.
class KvWork {
 public:
  explicit KvWork(store::Engine& engine) : engine_(engine) {}

  struct Wanted {
    std::optional<std::string_view> after;
    std::size_t items_max = 0;
  };
  /// The keys of the call's bucket, or without one the buckets, as a call's answer: at once, when
  /// they are few or do not exist. kOverloaded: kPagesWaitingMax pages wait already.
  void list(core::Call& call, const Wanted& wanted);

  /// Goes on with the first page for less than a millisecond. True: there is more to do at once.
  bool pass(core::Core& core, TimePoint now);
  void tick() { engine_.tidy(); }

 private:
  struct Waiting {
    core::Call::Ticket ticket;
    TimePoint deadline;
    std::string bucket;  // empty: the buckets are listed
    store::Listing page;
    bool has_begun = false;
  };

  bool is_short(const core::Call& call);
  Result<bool> scan(Waiting& waiting);

  store::Engine& engine_;
  std::deque<Waiting> waiting_;
};

/// Answers the call with the page, all at once.
void list_now(store::Engine& engine, core::Call& call, const KvWork::Wanted& wanted);

/// What a request for this bucket is told instead of the engine's status.
Status with_bucket(const Status& status, std::string_view bucket);

}  // namespace kvmesh::modules
