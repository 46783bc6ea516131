#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include "node/store/memory_engine.h"
#include "node/store/parked_polls.h"

namespace kvmesh::store {

/// One reactor's way to the engine in memory: all ends at once, but calls that wait for changes,
/// and pages of so many names that one look at all of them would hold up everybody. Those are
/// gathered in slices, one page after the other, so that what waits takes little memory.
class MemorySession final : public Session {
 public:
  MemorySession(MemoryEngine& engine, SessionOwner& owner, std::function<void()> wake)
      : engine_(engine), owner_(owner), wake_(std::move(wake)), polls_(engine, owner, wake_) {}

  void execute(std::span<const Op> ops, TimePoint now) override;
  bool pass(TimePoint now) override;
  void tick(TimePoint now) override;

  /// Operations write down what they change in this room, and note in it what they have seen; until
  /// another one is given. Null: they do not.
  void write_to(LogRoom* room) { turn_.room = room; }

 private:
  // As many as it takes for their waits for memory to overlap.
  static constexpr std::size_t kTogether = 16;
  struct Names {
    HashedName bucket;
    HashedName key;
  };
  // A scan with names of its own.
  struct Scan {
    std::string prefix;
    std::optional<std::string> after;
    ScanWanted wanted;
  };
  struct Waiting {
    SessionOwner::Ticket ticket;
    TimePoint deadline;
    std::string bucket;  // empty: the buckets are listed
    std::variant<Listing, Scan> page;
    bool has_begun = false;
    Place seen = 0;  // as LogRoom says, in all slices
  };

  void execute_some(std::span<const Op> ops, std::size_t first, TimePoint now);
  void execute(const Op& op, const Names& names, std::size_t place, TimePoint now);
  void get(const Names& names, std::size_t place);
  void list(const Op& op, const HashedName& bucket, std::size_t place);
  bool is_short(const Op& op, const HashedName& bucket);
  void scan(const Op& op, const HashedName& bucket, std::size_t place);
  void tell_changes(const Op& op, const HashedName& bucket, std::size_t place, TimePoint now);
  template <typename Kept>
  void wait(const Op& op, std::size_t place, Kept kept);
  bool gather(TimePoint now);
  bool gather_some(Waiting& waiting, Status& status, Found& found);
  template <typename Answer>
  void end(std::size_t place, Result<Answer> answer);

  MemoryEngine& engine_;
  SessionOwner& owner_;
  std::function<void()> wake_;
  std::string value_;     // scratch
  Turn turn_;             // of what is executed
  bool expires_ = false;  // more keys have
  int tidies_ = 0;        // so many slices of what was dropped are to be freed before the next tick
  std::deque<Waiting> waiting_;
  ParkedPolls polls_;
};

}  // namespace kvmesh::store
