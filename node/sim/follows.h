#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "node/sim/plan.h"
#include "node/sim/shadow.h"
#include "node/sim/told_revisions.h"

namespace kvmesh::sim {

/// What askers are told who follow a bucket: each asks on from where its last answer ended. Each
/// answer must have the changes that the store has made since then, in their order, without a gap
/// and none of them twice; or it tells the asker to begin anew, and only where the store cannot
/// know what came before. One that follows for each asker and bucket.
class Follows {
 public:
  explicit Follows(const Plan& plan) : plan_(plan) {}

  /// Request `number` is asked: after which revision?
  store::Revision begin(std::uint32_t number);
  /// Its store answers so. Says what is wrong; empty: nothing. `must.sees` is raised to what the
  /// answer tells of.
  std::string judge(std::uint32_t number, NodeIndex node, const Shadow& shadow,
                    Shadow::Answer& must, std::string_view result, ToldRevisions& told);
  /// Its asker has the answer.
  void answered(std::uint32_t number, bool is_good);
  /// Those who asked at `node` are gone.
  void killed(NodeIndex node);

  std::uint64_t judged() const { return judged_; }

 private:
  struct Place {
    store::Revision rev = 0;
    NodeIndex node = 0;         // that told it
    std::uint64_t life = 0;     // of its store
    std::uint64_t told_at = 0;  // the execution
    std::size_t changes = 0;    // of the store's history of the bucket, up to there
    bool is_known = false;
  };
  struct Asked {
    Place from;
    Place to;
  };

  const Plan& plan_;
  std::map<std::pair<NodeIndex, std::uint32_t>, Place> places_;  // by asker's node and bucket
  std::unordered_map<std::uint32_t, Asked> asked_;               // without an answer
  std::uint64_t judged_ = 0;                                     // that told something
};

}  // namespace kvmesh::sim
