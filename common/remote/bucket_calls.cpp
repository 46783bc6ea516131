// What a Mesh does with buckets, and ids of calls.
#include <algorithm>
#include <random>
#include <string>
#include <utility>

#include <kvmesh/buckets.h>
#include <kvmesh/mesh.h>
#include <kvmesh/watcher.h>

namespace kvmesh {

OnceId OnceId::make() {
  std::random_device device;
  std::uniform_int_distribution<int> byte{0, 255};
  std::string out(limits::kOnceIdBytes, '\0');
  std::ranges::generate(out, [&] { return static_cast<char>(byte(device)); });
  return OnceId{std::move(out)};
}

Outcome Mesh::ask(Operation operation, Timeout timeout) {
  auto result = request(std::move(operation), CallOptions{.timeout = timeout});
  if (!result) return {result.status(), {}, {}};
  return {{}, *std::move(result), {}};
}

Result<Entries> Mesh::read(std::string_view bucket, const std::vector<std::string>& keys,
                           Timeout timeout) {
  return entries_of(ask(ops::read(bucket, keys), timeout));
}
Result<Applied> Mesh::apply(std::string_view bucket, const Apply& apply, Timeout timeout) {
  return applied_of(ask(ops::apply(bucket, apply), timeout));
}
Result<ScanPage> Mesh::scan(std::string_view bucket, const ScanOptions& options, Timeout timeout) {
  return scan_page_of(ask(ops::scan(bucket, options), timeout));
}
Result<Events> Mesh::changes(std::string_view bucket, std::uint64_t since,
                             const ChangesOptions& options, Timeout timeout) {
  return events_of(ask(ops::changes(bucket, since, options), changes_timeout(options, timeout)));
}
Watcher Mesh::watch(std::string bucket, WatchOptions options) {
  return Watcher{*this, std::move(bucket), std::move(options)};
}

}  // namespace kvmesh
