#pragma once

#include <kvmesh/client.h>
#include <kvmesh/status.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/verify/difference.h"
#include "client/verify/name_set.h"

/// What would have to move when the tables of a running mesh change.
namespace kvmesh::command {

/// What one node stores of the names of one change, and others are to store then.
struct Move {
  std::string from;
  std::uint64_t buckets = 0;
  std::uint64_t keys = 0;
  Status status;  // OK: these are all; else why there may be more
};

/// All that a node stores, as it tells of itself.
struct Holding {
  std::string node;
  std::uint64_t buckets = 0;
  std::uint64_t keys = 0;
  std::uint64_t bytes = 0;  // of memory
};

struct Moves {
  /// For each of Difference::changes, in their order: a move for each node that loses its names.
  std::vector<std::vector<Move>> of_changes;
  std::vector<Holding> holdings;  // of the nodes that lose names and answer, by name
  /// Nodes of the mesh that do not answer, and why: what they store is not in the figures.
  std::map<std::string, std::string> silent;
};

/// Reads what one node stores.
class BucketReader {
 public:
  virtual ~BucketReader() = default;
  /// A page of names after `after`, as Client::buckets().
  virtual Result<Names> buckets(const std::string& after) = 0;
  /// The number of keys of each; kNotFound for one that is gone.
  virtual std::vector<Result<std::uint64_t>> counts(std::span<const std::string> buckets) = 0;
};

/// Counts node by node what has to move. Pure but for what the readers do. `difference` must
/// outlive it.
class MoveCounter {
 public:
  explicit MoveCounter(const verify::Difference& difference);

  /// The names that each node loses, by its own.
  const std::map<std::string, verify::NameSet>& losses() const { return losses_; }
  /// Asks one of these nodes for its buckets of those names, and for their keys, in order. The
  /// first failure ends that: moves of names from there on have its status. REQUIRES: once a node.
  void count(const std::string& node, const verify::NameSet& names, BucketReader& reader);
  /// One of these nodes cannot be asked.
  void fail(const std::string& node, const Status& why) { fail_from(node, 0, why); }

  Moves take() { return std::move(moves_); }

 private:
  Move& move_of(const std::string& node, std::string_view bucket);
  void fail_from(const std::string& node, std::uint8_t byte, const Status& why);
  bool count_page(const std::string& node, std::span<const std::string> buckets,
                  BucketReader& reader);

  const verify::Difference& difference_;
  std::map<std::string, verify::NameSet> losses_;
  Moves moves_;
};

/// Whether a page holds names as a node that is asked for those after `after` gives them: each
/// after the one before it. No name in such a page is empty.
bool is_page_behind(const Names& page, const std::string& after);

/// The last name, in the order of names, that is before all buckets that begin with `byte`; empty
/// when there is none.
std::string last_name_before(std::uint8_t byte);

}  // namespace kvmesh::command
