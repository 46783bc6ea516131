#pragma once

#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What a node says of itself (common/PROTOCOL.md, `node.info`), for people. Keys that are missing
/// or of another type are passed over: nodes of other versions have others. Pure functions.
namespace kvmesh::command {

/// A text of the map, or empty.
std::string text_at(const Value& map, std::string_view key);
/// A number of the map, or 0.
std::uint64_t number_at(const Value& map, std::string_view key);
/// A list of the map, or an empty one.
const Value::List& list_at(const Value& map, std::string_view key);
/// Whether the node, by what it tells of itself, has this app.
bool has_app(const Value& info, std::string_view app);
/// Whether the node has the app `kv`, or shows a store.
bool stores_buckets(const Value& info);

/// How many buckets it holds that its table gives to others; empty: it does not tell.
std::optional<std::uint64_t> strays_of(const Value& info);

/// Why the node stores nothing any more, if its journal has failed.
std::optional<std::string> journal_failure(const Value& info);

/// The summary of one node, several lines.
std::string info_text(const Value& info, bool color);

/// One node of a mesh: what it says, or why it says nothing.
struct MeshNode {
  std::string name;
  // "connected" for the one that was asked; else the peer's state as that one sees it, "via PEER",
  // or "known to NODE" for one that others know.
  std::string state;
  Result<Value> info;
};

/// A table, one line a node: node, state, buckets, keys, memory, requests; and strays, where a node
/// has some.
std::string mesh_table(const std::vector<MeshNode>& nodes, bool color);
/// The same as an array of objects; `info` is null for a node that does not answer, and `error`
/// says why.
Value mesh_json(const std::vector<MeshNode>& nodes);

}  // namespace kvmesh::command
