#pragma once

#include <kvmesh/value.h>

#include <string>

/// The nodes that a node knows: its peers with the state of their links, and those behind them
/// (common/PROTOCOL.md, `node.info`, `peers` and `vias`). Pure functions; what is missing or of
/// another type is passed over.
namespace kvmesh::command {

/// A table, one line a node: node, address, state, in flight, why; the titles alone when there are
/// none. A node behind a peer has "via PEER" for an address, and the state of that peer's link.
std::string nodes_table(const Value& info, bool color);

/// The same as an array of objects: `node`, `address` or `via`, `state`, `in_flight` (not with
/// `via`), `why`.
std::string nodes_json(const Value& info);

}  // namespace kvmesh::command
