#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <utility>

#include "node/store/memory_engine.h"

namespace kvmesh::store {

/// One reactor's way to the engine in memory: all ends at once, but pages of so many names that one
/// look at all of them would hold up everybody. Those are gathered in slices, one page after the
/// other, so that what waits takes little memory.
class MemorySession final : public Session {
 public:
  MemorySession(MemoryEngine& engine, SessionOwner& owner, std::function<void()> wake)
      : engine_(engine), owner_(owner), wake_(std::move(wake)) {}

  void execute(std::span<const Op> ops, TimePoint now) override;
  bool pass(TimePoint now) override;
  void tick(TimePoint now) override;

 private:
  // As many as it takes for their waits for memory to overlap.
  static constexpr std::size_t kTogether = 16;
  struct Names {
    HashedName bucket;
    HashedName key;
  };
  struct Waiting {
    SessionOwner::Ticket ticket;
    TimePoint deadline;
    std::string bucket;  // empty: the buckets are listed
    Listing page;
    bool has_begun = false;
  };

  void execute_some(std::span<const Op> ops, std::size_t first);
  void execute(const Op& op, const Names& names, std::size_t place);
  void get(const Names& names, std::size_t place);
  void list(const Op& op, const HashedName& bucket, std::size_t place);
  bool is_short(const Op& op, const HashedName& bucket);
  bool gather(TimePoint now);
  Result<bool> scan(Waiting& waiting, Moment now);

  MemoryEngine& engine_;
  SessionOwner& owner_;
  std::function<void()> wake_;
  std::string value_;     // scratch
  Moment now_ = 0;        // of execute()
  bool expires_ = false;  // more keys have
  std::deque<Waiting> waiting_;
};

}  // namespace kvmesh::store
