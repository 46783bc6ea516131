#include "node/sim/shadow.h"

#include "common/wire/pack.h"

namespace kvmesh::sim {

Shadow::Answer Shadow::execute(const Request& request, const NodeName& node, bool refused_full) {
  packed_.clear();
  wire::pack_nil(packed_);
  if (request.operation == Operation::kName) {
    packed_.clear();
    wire::pack_str(packed_, node.str());
    return {StatusCode::kOk, std::string{packed_.view()}};
  }
  if (request.operation == Operation::kCreate) {
    if (refused_full) return {StatusCode::kFull, std::string{packed_.view()}};
    buckets_.try_emplace(request.bucket);
    return {StatusCode::kOk, std::string{packed_.view()}};
  }
  const auto found = buckets_.find(request.bucket);
  if (found == buckets_.end()) return {StatusCode::kNotFound, std::string{packed_.view()}};
  auto& bucket = found->second;
  switch (request.operation) {
    case Operation::kPut:
      if (refused_full) return {StatusCode::kFull, std::string{packed_.view()}};
      bucket[request.key] = {request.value, request.value_bytes};
      break;
    case Operation::kGet:
      if (const auto at = bucket.find(request.key); at != bucket.end()) {
        packed_.clear();
        wire::pack_bin(packed_, value_text(at->second.value, at->second.value_bytes));
      }
      break;
    case Operation::kErase:
      bucket.erase(request.key);
      break;
    case Operation::kDrop:
      buckets_.erase(found);
      break;
    default:
      packed_.clear();
      wire::pack_uint(packed_, bucket.size());
  }
  return {StatusCode::kOk, std::string{packed_.view()}};
}

}  // namespace kvmesh::sim
