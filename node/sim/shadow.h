#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <kvmesh/status.h>

#include "node/sim/plan.h"
#include "node/sim/told_revisions.h"
#include "node/store/change.h"
#include "node/store/event.h"

namespace kvmesh::sim {

/// What an execution's outcome depends on, beside what is stored.
struct Execution {
  const Request* request = nullptr;
  store::Moment now = 0;                  // by the store's clock
  std::optional<std::uint16_t> after{};   // where the page begins that kKeys or kScan asks for
  std::vector<store::Revision> checks{};  // that kApply asks for
  const ToldRevisions* told = nullptr;    // of the store; of kApply
  bool takes_changes = true;              // false: the store's log has failed
};

/// What one node's store must hold, told of every execution there: a plain map beside the real
/// engine. It also knows within bounds how much memory that takes, and so when the engine must
/// answer kFull, when it may, and when it must not. Executions are numbered from 1 on, and count on
/// when the store is lost.
class Shadow {
 public:
  Shadow(const Plan& plan, NodeIndex node) : plan_(plan), node_(node) {}

  /// One page of a bucket's keys.
  struct Page {
    std::vector<std::uint16_t> keys;  // in the order of their texts
    bool more = false;
  };
  /// A key as kRead tells it. Revisions are known by the executions that gave them.
  struct Seen {
    std::uint64_t changed = 0;  // 0: it is not there
    std::string value;
    std::optional<std::uint64_t> ttl_ms;
  };
  struct Answer {
    StatusCode code = StatusCode::kOk;
    std::string result{};                       // msgpack; of what has revisions see below
    Page page{};                                // of kKeys and kScan
    std::uint64_t execution = 0;                // its number
    std::uint64_t sees = 0;                     // the last change that it tells of, or its own
    bool is_change = false;                     // it has changed what is stored
    std::optional<std::uint64_t> count_most{};  // of kCount: keys that have expired may count
    std::uint64_t changed = 0;                  // the execution whose revision comes first
    bool may_be_later = false;                  // or a later one,
    std::uint64_t seen_at = 0;                 // at that execution; its own, or the first of kApply
    std::vector<Seen> keys{};                  // of kRead and kScan
    std::vector<store::Applied::Each> each{};  // of kApply
    std::uint64_t followed_since = 0;          // of kChanges
    std::optional<std::size_t> failed{};       // of kApply: the check, and
    std::uint64_t failed_changed = 0;          // what its key has
  };
  /// Executes a request here and says what the node must answer. `says_full`: the engine answers
  /// kFull; when it may, the shadow agrees, and nothing changes.
  Answer execute(const Execution& execution, bool says_full = false);
  /// The store is lost.
  void clear();
  /// A node starts with what is stored, after so many executions.
  void restart(std::uint64_t executions);
  /// The store is lost but for what that one has.
  void become(const Shadow& other);

  struct Stored {
    std::uint32_t value = 0;
    std::uint32_t value_bytes = 0;
    std::uint64_t since = 0;    // the execution that made the key
    std::uint64_t changed = 0;  // that changed it last
    store::Moment expires = store::kNever;
    std::optional<std::int64_t> number{};  // instead of a value

    std::string text() const {
      return number ? std::to_string(*number) : value_text(value, value_bytes);
    }
    bool is_there(store::Moment now) const { return expires == store::kNever || expires > now; }
  };
  /// The first answer to a call with an id.
  struct Once {
    std::uint64_t execution = 0;
    std::uint64_t changed = 0;
    bool may_be_later = false;
    store::Moment at = 0;
    std::vector<store::Applied::Each> each;

    bool is_known(store::Moment now) const;
  };
  struct Bucket {
    std::map<std::uint16_t, Stored> keys;  // those that have expired, too, until they are changed
    std::map<std::uint32_t, Once> once;
    std::uint64_t made = 0;
    std::uint64_t changed = 0;   // or made
    std::uint64_t followed = 0;  // when somebody asked for its changes first; 0: nobody has
    bool has_ends = false;       // a key has expired here, or may
    // What is there after a start has the last revision of all that the node had.
    bool is_restored = false;

    bool may_have_later_rev() const { return has_ends || is_restored; }
  };
  /// A change of a bucket, as it is told to those who follow it; ends of keys are not among them.
  struct Made {
    std::uint64_t execution = 0;
    store::Event::Kind kind = store::Event::Kind::kPut;
    std::uint16_t key = 0;
    std::string value{};
    store::Moment expires = store::kNever;
    store::Moment at = 0;

    bool has_ended(store::Moment now) const { return expires != store::kNever && expires <= now; }
  };
  using History = std::vector<Made>;
  /// Changes are remembered from now on.
  void keep_history() { keeps_history_ = true; }
  /// Those of a bucket of this name, over all that had it, in their order.
  const History& history(std::uint32_t bucket) const;

  using Buckets = std::unordered_map<std::uint32_t, Bucket>;
  const Buckets& buckets() const { return state_.buckets; }
  /// A key that had expired is gone for good.
  void remove(std::uint32_t bucket, std::uint16_t key) {
    forget(bucket, key);
    state_.buckets[bucket].keys.erase(key);
  }

  /// Executions so far; goes on over clear().
  std::uint64_t executions() const { return executions_; }
  /// How often the store was lost.
  std::uint64_t lives() const { return lives_; }
  /// Whether the key is there, and has been since before that execution.
  bool held_since(std::uint32_t bucket, std::uint16_t key, std::uint64_t execution) const;
  /// Whether the key was there at some time since that execution.
  bool held_at_times(std::uint32_t bucket, std::uint16_t key, std::uint64_t execution) const;

  /// The memory that the engine must count at least and at most.
  std::uint64_t bytes_least() const { return state_.record_bytes; }
  std::uint64_t bytes_most() const;

 private:
  enum class Room : std::uint8_t { kMust, kMay, kMustNot };  // take it?
  struct State {
    Buckets buckets;
    std::unordered_map<std::uint64_t, std::uint64_t> gone;     // by bucket and key: since when
    std::unordered_map<std::uint32_t, std::uint64_t> dropped;  // buckets: the same
    std::unordered_map<std::uint32_t, History> history;        // of buckets
    std::uint64_t record_bytes = 0;                            // of keys and values
    std::uint64_t overhead_most = 0;
  };

  Answer execute_some(const Execution& execution, bool says_full);
  Answer create(const Execution& execution, bool says_full);
  Answer put(Bucket& bucket, const Execution& execution, bool says_full);
  Answer get(const Bucket& bucket, const Execution& execution) const;
  Answer erase(Bucket& bucket, const Execution& execution);
  Answer drop(Bucket& bucket, const Execution& execution);
  static Answer count(const Bucket& bucket, const Execution& execution);
  static Page page_of(const Bucket& bucket, const Execution& execution);
  static Answer list(const Bucket& bucket, const Execution& execution);
  Answer read(const Bucket& bucket, const Execution& execution) const;
  static Answer scan(const Bucket& bucket, const Execution& execution);
  static Answer see(const Bucket& bucket, const std::vector<std::uint16_t>& keys,
                    store::Moment now);
  Answer apply(Bucket& bucket, const Execution& execution);
  Answer follow(Bucket& bucket) const;
  void remember(const Execution& execution, store::Event::Kind kind, std::uint16_t key,
                const Stored* stored);
  // When there are so many more bytes of keys and values, and at most so many of other memory.
  Room room_for(std::uint64_t record_bytes, std::uint64_t overhead_most) const;
  Stored* find(Bucket& bucket, std::uint16_t key, store::Moment now);
  // The last change of the key that a reader may tell of.
  std::uint64_t change_of(const Bucket& bucket, std::uint32_t id, std::uint16_t key) const;
  void store(std::uint32_t id, Bucket& bucket, std::uint16_t key, Stored stored);
  void forget(std::uint32_t bucket, std::uint16_t key);
  Answer changed(Bucket& bucket);

  const Plan& plan_;
  NodeIndex node_;
  State state_;
  bool keeps_history_ = false;
  std::uint64_t executions_ = 0;
  std::uint64_t lives_ = 0;
};

}  // namespace kvmesh::sim
