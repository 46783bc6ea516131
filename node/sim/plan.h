#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/limits.h>

#include "common/names.h"
#include "common/routing_table.h"
#include "node/sim/event_queue.h"
#include "node/store/change.h"

/// All that a run depends on, as values: the same plan always gives the same run.
namespace kvmesh::sim {

/// A node's place in Plan::nodes.
using NodeIndex = std::uint32_t;

struct ViaPlan {
  NodeName node;
  std::uint16_t peer = 0;  // place in NodePlan::peers
};

struct NodePlan {
  NodeName name;
  bool stores = true;            // has the functions kv.*
  bool has_slow_engine = false;  // else one in memory
  bool is_durable = false;       // in memory, with a disk that outlives the process; has no bound
  std::vector<NodeIndex> peers;  // all that it may ever have, and has when it starts
  std::vector<ViaPlan> vias;
  RoutingTable table;
  std::size_t memory_max = std::size_t{1} << 30;  // of one that is not durable
};

/// What all connections are like.
struct NetworkPlan {
  Micros delay{250};                                            // one way
  Micros jitter{250};                                           // at most, on top of it
  std::uint64_t window_requests = limits::kInFlightPerLinkMax;  // as a peer's WELCOME says
  std::uint64_t window_bytes = limits::kInFlightBytesPerLinkMax;
  // What a connection holds each way that the other side has not handled: so many frames, and what
  // fits into the sockets' buffers. Frames of requests wait at their sender then.
  std::uint32_t pipe_frames = 64;
  std::uint64_t buffer_bytes = 0;
  std::uint64_t rate = kNoRate;  // bytes a second
  static constexpr std::uint64_t kNoRate = ~std::uint64_t{0};
};

enum class FaultKind : std::uint8_t {
  kKill,       // the process is gone, with all that it had in memory
  kStart,      // a killed or stopped one starts again, with what its disk has
  kFailSync,   // the disk takes nothing more until the process starts again
  kStop,       // it says goodbye, answers what it has, and ends
  kPause,      // stands still (SIGSTOP)
  kResume,     // goes on
  kSlow,       // takes `amount` for each frame and request
  kCut,        // the connections between first and second are lost
  kPartition,  // nothing gets through between first and second
  kThrottle,   // the connections between first and second carry `rate` bytes a second each way
  kHeal,       // all partitions end, and links are as fast as before
  kReload,     // swaps its table
  kPeers,      // one node reads its file again: it has those of its peers that are in second, and
               // the table, from now on
};

/// Whether it is about the connections between two sets of nodes.
bool is_two_sided(FaultKind kind);

struct Fault {
  Micros at{};
  FaultKind kind = FaultKind::kHeal;
  std::vector<NodeIndex> first;
  std::vector<NodeIndex> second;
  Micros amount{};
  RoutingTable table{};
  std::uint64_t rate = NetworkPlan::kNoRate;
};

enum class Operation : std::uint8_t {
  kCreate,
  kPut,
  kGet,
  kErase,
  kDrop,
  kCount,
  kName,
  kKeys,
  kRead,
  kApply,
  kScan,
  kChanges
};
inline constexpr std::size_t kOperationCount = 12;
/// "kv.put"; of kName "node.name", sent to a bucket: which node does it belong to?
std::string_view function_of(Operation operation);
std::optional<Operation> operation_of(std::string_view function);
/// Whether it asks for a page of keys.
inline bool lists(Operation operation) {
  return operation == Operation::kKeys || operation == Operation::kScan;
}
/// Whether it is about one key, its first argument.
bool has_key(Operation operation);

/// Instead of the key of a page of keys: where this asker's last page of the bucket ended.
inline constexpr std::uint16_t kNextPage = 0xffff;

/// What kv.read and kv.apply are about: several keys of a bucket.
struct Batch {
  /// That the key is not there, or has the revision that anybody was told last of it.
  struct Check {
    std::uint16_t key = 0;
    bool is_absent = false;
  };
  struct Change {
    store::Change::Kind kind = store::Change::Kind::kPut;
    std::uint16_t key = 0;
    std::int64_t delta = 0;    // of kAdd
    std::uint32_t ttl_ms = 0;  // 0: none
  };
  std::vector<std::uint16_t> keys;  // of kv.read
  std::vector<Check> checks;
  std::vector<Change> changes;  // what is put, is the request's value
  std::uint32_t once = 0;       // the number of the call's id; 0: it has none
};

/// One request of the workload. Its value, if it has one, is "v" and the number, filled up with
/// dots to value_bytes: every value tells who wrote it. A page of keys begins after `key` and
/// holds `value` keys at most. kv.changes goes on from what its asker was told last of the bucket,
/// for `value` changes at most (0: as many as fit), and waits up to `wait_ms` for the first.
struct Request {
  Micros at{};
  NodeIndex node = 0;  // where it is asked
  Operation operation = Operation::kGet;
  std::uint16_t key = 0;  // "k" and the number
  std::uint32_t bucket = 0;
  std::uint32_t value = 0;
  std::uint32_t value_bytes = 0;
  std::uint32_t timeout_ms = 5000;
  std::uint32_t wait_ms = 0;
  std::uint32_t batch = 0;  // of kRead and kApply: its place in Plan::batches
};
std::string key_text(std::uint16_t key);
/// The id of a call that is to be executed once.
std::string once_text(std::uint32_t once);
std::string value_text(std::uint32_t value, std::uint32_t value_bytes);

struct Plan {
  std::uint64_t seed = 1;  // of what the network does by chance
  NetworkPlan network;
  std::vector<NodePlan> nodes;
  std::vector<std::string> buckets;
  std::vector<Batch> batches;
  std::vector<Request> requests;  // by time
  std::vector<Fault> faults;      // by time

  /// The place of the node of that name, if there is one.
  std::optional<NodeIndex> find(std::string_view name) const;
  /// The same mesh without the nodes that are marked: without their requests, the faults of them
  /// alone, and the entries of tables that lead to them. REQUIRES: gone.size() == nodes.size().
  Plan without_nodes(const std::vector<bool>& gone) const;
  /// The same plan without buckets that no request is for.
  Plan without_unused_buckets() const;
  /// When the first fault begins that may make requests fail, and when the mesh has recovered from
  /// the last: nothing if it never does.
  struct Calm {
    Micros until = Micros::max();
    Micros from = Micros::max();
  };
  Calm calm() const;
};

}  // namespace kvmesh::sim
