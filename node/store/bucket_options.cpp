#include "node/store/bucket_options.h"

#include "common/wire/buffer.h"
#include "common/wire/pack.h"
#include "common/wire/reader.h"

namespace kvmesh::store {
namespace {

std::optional<std::uint64_t> changed(std::optional<std::uint64_t> option,
                                     std::optional<std::uint64_t> change) {
  if (!change) return option;
  return *change == 0 ? std::nullopt : change;
}

}  // namespace

BucketOptions changed(const BucketOptions& options, const BucketOptions& change) {
  return {changed(options.ttl_ms, change.ttl_ms),
          changed(options.history_bytes, change.history_bytes)};
}

std::string pack_options(const BucketOptions& options) {
  if (!options.any()) return {};
  wire::Buffer out;
  wire::pack_array(out, 2);
  wire::pack_uint(out, options.ttl_ms.value_or(0));
  wire::pack_uint(out, options.history_bytes.value_or(0));
  return std::string{out.view()};
}

std::optional<BucketOptions> read_options(std::string_view bytes) {
  if (bytes.empty()) return BucketOptions{};
  wire::Reader in{bytes};
  const auto parts = in.read_array();
  const auto ttl_ms = in.read_uint();
  const auto history_bytes = in.read_uint();
  if (in.failed() || parts != 2) return std::nullopt;
  return changed(BucketOptions{}, {ttl_ms, history_bytes});
}

}  // namespace kvmesh::store
