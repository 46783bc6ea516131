#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/verify/name_set.h"

namespace kvmesh::verify {

enum class Severity : std::uint8_t {
  kFault,    ///< some request fails, or two that should agree do not
  kWarning,  ///< odd, though every request is answered as it should be
};

/// In the order in which a report tells them.
enum class FindingKind : std::uint8_t {
  kSameName,     ///< two descriptions of one node, or two nodes that run under one name
  kAddress,      ///< a node is looked for where it does not listen, or two listen at one place
  kHole,         ///< no entry for a byte
  kLoop,         ///< entries that send a request in a circle
  kDeadEnd,      ///< an entry that leads to a node that cannot execute the request
  kTooManyHops,  ///< a way longer than limits::kHopsMax
  kSplitBrain,   ///< it depends on where a request enters which node stores the bucket
  kVia,          ///< requests that name a node do not reach it
  kKeys,         ///< two nodes do not let each other in
  kPassedBy,     ///< an entry names a node behind a peer, and that peer sends the request elsewhere
  kShadowed,     ///< entries that can never match
  kUnusedPeer,   ///< peers that no entry names
  kIdleStore,    ///< a node stores buckets, and none belongs to it
  kStray,        ///< a node that runs holds buckets that its table gives to others
  kCeiling,      ///< a node passes requests on of which the next one denies some
  kPrincipals,   ///< nodes say different things of who may do what
};
inline constexpr std::size_t kFindingKindCount = 16;

/// "hole", "loop", "dead end", "split brain" ...: for people, and as words of JSON.
std::string_view to_string(FindingKind kind);
Severity severity_of(FindingKind kind);

/// One request, and what becomes of it.
struct Example {
  std::string bucket;  // its name; empty when the request is for a node
  std::string way;     // "foo@h (a..m) -> bar@h: no entry"
};

/// One thing that is wrong or odd, however many names and nodes it concerns.
struct Finding {
  FindingKind kind = FindingKind::kHole;
  std::vector<std::string> nodes;  // names, the most concerned first
  NameSet names;                   // empty where it is not about buckets
  std::size_t from = 0;            // from how many nodes requests meet it; 0: not about requests
  std::string what;                // a sentence without its end
  std::vector<Example> examples;   // one way for each end
  std::string advice;              // what to do

  Severity severity() const { return severity_of(kind); }
};

/// "foo@h, bar@h and 7 more": at most `shown_max` of them by name.
std::string some_of(const std::vector<std::string>& names, std::size_t shown_max = 3);

/// "1 node", "3 nodes".
std::string counted(std::size_t count, std::string_view one, std::string_view many);

}  // namespace kvmesh::verify
