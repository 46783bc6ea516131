#include "client/command/verify/told_node.h"

#include <kvmesh/limits.h>

#include <utility>
#include <vector>

#include "client/command/base/escape.h"
#include "client/command/nodes/info_text.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

Status wrong(const std::string& source, const std::string& what) {
  return {StatusCode::kProtocolError,
          "what the node at " + escape(source) + " tells of itself cannot be used: " + what};
}

Status read_peers(const Value& info, verify::MeshNode& out) {
  for (const auto& peer : list_at(info, "peers")) {
    auto name = NodeName::parse(text_at(peer, "name"));
    if (!name) return name.status();
    out.peers.push_back({*std::move(name), text_at(peer, "address")});
  }
  for (const auto& via : list_at(info, "vias")) {
    auto name = NodeName::parse(text_at(via, "name"));
    auto peer = NodeName::parse(text_at(via, "via"));
    if (!name) return name.status();
    if (!peer) return peer.status();
    out.vias.push_back({*std::move(name), *std::move(peer)});
  }
  return {};
}

Status read_table(const Value& info, verify::MeshNode& out) {
  const Value* table = info.find("table");
  if (table == nullptr) return {StatusCode::kProtocolError, "it has no table"};
  std::vector<RouteEntry> entries;
  for (const auto& entry : list_at(*table, "entries")) {
    const auto range = ByteRange::parse(text_at(entry, "range"));
    auto node = NodeName::parse(text_at(entry, "node"));
    if (!range) return range.status();
    if (!node) return node.status();
    entries.push_back({*range, *std::move(node)});
  }
  if (entries.size() > limits::kRoutingEntriesMax) {
    return {StatusCode::kProtocolError, "its table has " + std::to_string(entries.size()) +
                                            " entries, more than " +
                                            std::to_string(limits::kRoutingEntriesMax)};
  }
  out.table = RoutingTable{std::move(entries)};
  return {};
}

}  // namespace

Result<verify::MeshNode> told_node(const Value& info, const std::string& source) {
  verify::MeshNode out;
  auto name = NodeName::parse(text_at(info, "name"));
  if (!name) return wrong(source, name.status().text());
  out.name = *std::move(name);
  out.source = source;
  out.stores = stores_buckets(info);
  out.serves_lines = has_app(info, "kv_server");
  if (const auto status = read_peers(info, out); !status.ok()) return wrong(source, status.text());
  if (const auto status = read_table(info, out); !status.ok()) return wrong(source, status.text());
  return out;
}

}  // namespace kvmesh::command
