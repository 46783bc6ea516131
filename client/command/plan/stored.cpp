#include "client/command/plan/stored.h"

#include <algorithm>
#include <utility>

#include "client/command/base/interrupts.h"
#include "client/command/buckets/bucket_list.h"
#include "client/command/nodes/info_text.h"
#include "client/command/transfer/patient_reads.h"
#include "client/outcome.h"
#include "common/functions.h"
#include "common/route_hash.h"

namespace kvmesh::command {
namespace {

constexpr std::uint32_t kAtOnce = 1000;

double bytes_a_key(const Value& info) {
  const Value* store = info.find("store");
  const auto keys = store == nullptr ? 0 : number_at(*store, "keys");
  return keys == 0 ? 0
                   : static_cast<double>(number_at(*store, "bytes")) / static_cast<double>(keys);
}

Status count_node(Session& session, const verify::MeshNode& node, const Way& way,
                  const RouteKeys& bytes, double bytes_of_key,
                  std::array<Amount, plan::kSlots>& out) {
  const auto& name = node.name.str();
  const auto reached = access(session, way, name);
  if (!reached) return reached.status();
  BucketList list{*reached->client, reached->target, {}, session.timeout()};
  while (true) {
    if (broken_off()) return interrupted_status();
    auto buckets = list.next(kAtOnce);
    if (!buckets) return buckets.status();
    if (buckets->empty()) return {};
    std::erase_if(*buckets, [&](const std::string& bucket) {
      return !bytes.test(static_cast<std::uint8_t>(bucket.front())) ||
             !verify::is_its_own(node, bucket);
    });
    std::vector<Operation> operations;
    operations.reserve(buckets->size());
    for (const auto& bucket : *buckets) operations.push_back(ops::here(name, ops::count(bucket)));
    auto outcomes = read_patiently(*reached->client, std::move(operations), session.timeout());
    for (std::size_t i = 0; i < buckets->size(); ++i) {
      auto keys = client::count_of(std::move(outcomes[i]), functions::kKvCount.name);
      if (!keys && keys.status().code() == StatusCode::kNotFound) continue;  // dropped meanwhile
      if (!keys) return keys.status();
      // What another node tells may be anything.
      const auto size = std::min(bytes_of_key * static_cast<double>(*keys), 1e15);
      out[route_hash((*buckets)[i])] += {1, *keys, static_cast<std::uint64_t>(size)};
    }
  }
}

}  // namespace

Stored count_stored(Session& session, const LiveMesh& mesh, const RouteKeys& bytes) {
  Stored out;
  for (const auto& node : mesh.model.nodes) {
    if (!node.stores) continue;
    const auto& name = node.name.str();
    const auto status = count_node(session, node, mesh.ways.at(name), bytes,
                                   bytes_a_key(*mesh.infos.at(name)), out.of_nodes[name]);
    if (!status.ok()) out.missing.push_back(name + ": " + status.to_string());
  }
  return out;
}

}  // namespace kvmesh::command
