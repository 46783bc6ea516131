#include <string>
#include <utility>

#include <kvmesh/client.h>

namespace kvmesh::ops {
namespace {

Value bytes(std::string_view data) { return Bytes{std::string{data}}; }
Value bytes_or_nil(std::string_view data) { return data.empty() ? Value{} : bytes(data); }

Operation on_bucket(std::string_view bucket, std::string function, std::vector<Value> args = {}) {
  return {Operation::For::kBucket, std::string{bucket}, std::move(function), std::move(args)};
}

}  // namespace

Operation create(std::string_view bucket) { return on_bucket(bucket, "kv.create"); }
Operation drop(std::string_view bucket) { return on_bucket(bucket, "kv.drop"); }

Operation put(std::string_view bucket, std::string_view key, std::string_view value) {
  return on_bucket(bucket, "kv.put", {bytes(key), bytes(value)});
}
Operation get(std::string_view bucket, std::string_view key) {
  return on_bucket(bucket, "kv.get", {bytes(key)});
}
Operation erase(std::string_view bucket, std::string_view key) {
  return on_bucket(bucket, "kv.delete", {bytes(key)});
}

Operation count(std::string_view bucket) { return on_bucket(bucket, "kv.count"); }

Operation keys(std::string_view bucket, std::string_view after, std::uint32_t limit) {
  return on_bucket(bucket, "kv.keys", {bytes_or_nil(after), limit});
}

Operation buckets(std::string_view node, std::string_view after, std::uint32_t limit) {
  const auto target = node.empty() ? Operation::For::kHere : Operation::For::kNode;
  return {target, std::string{node}, "kv.buckets", {bytes_or_nil(after), limit}};
}

Operation route(std::string_view bucket) { return on_bucket(bucket, "node.name"); }

Operation here(std::string_view node, Operation of_bucket) {
  const auto target = node.empty() ? Operation::For::kHere : Operation::For::kNode;
  return {target,
          std::string{node},
          "kv.here",
          {bytes(of_bucket.name), std::move(of_bucket.function), std::move(of_bucket.args)},
          of_bucket.trace};
}

}  // namespace kvmesh::ops
