#include <string>
#include <utility>

#include <kvmesh/client.h>

#include "common/functions.h"

namespace kvmesh::ops {
namespace {

Value bytes(std::string_view data) { return Bytes{std::string{data}}; }
Value bytes_or_nil(std::string_view data) { return data.empty() ? Value{} : bytes(data); }

Operation on_bucket(std::string_view bucket, std::string function, std::vector<Value> args = {}) {
  return {Operation::For::kBucket, std::string{bucket}, std::move(function), std::move(args)};
}

}  // namespace

Operation create(std::string_view bucket) { return on_bucket(bucket, functions::kKvCreate.str()); }
Operation drop(std::string_view bucket) { return on_bucket(bucket, functions::kKvDrop.str()); }

Operation put(std::string_view bucket, std::string_view key, std::string_view value) {
  return on_bucket(bucket, functions::kKvPut.str(), {bytes(key), bytes(value)});
}
Operation get(std::string_view bucket, std::string_view key) {
  return on_bucket(bucket, functions::kKvGet.str(), {bytes(key)});
}
Operation erase(std::string_view bucket, std::string_view key) {
  return on_bucket(bucket, functions::kKvDelete.str(), {bytes(key)});
}

Operation count(std::string_view bucket) { return on_bucket(bucket, functions::kKvCount.str()); }

Operation keys(std::string_view bucket, std::string_view after, std::uint32_t limit) {
  return on_bucket(bucket, functions::kKvKeys.str(), {bytes_or_nil(after), limit});
}

Operation buckets(std::string_view node, std::string_view after, std::uint32_t limit) {
  const auto target = node.empty() ? Operation::For::kHere : Operation::For::kNode;
  return {target, std::string{node}, functions::kKvBuckets.str(), {bytes_or_nil(after), limit}};
}

Operation route(std::string_view bucket) { return on_bucket(bucket, functions::kNodeName.str()); }

Operation here(std::string_view node, Operation of_bucket) {
  const auto target = node.empty() ? Operation::For::kHere : Operation::For::kNode;
  return {target,
          std::string{node},
          functions::kKvHere.str(),
          {bytes(of_bucket.name), std::move(of_bucket.function), std::move(of_bucket.args)},
          of_bucket.trace};
}

}  // namespace kvmesh::ops
