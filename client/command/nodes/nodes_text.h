#pragma once

#include <kvmesh/value.h>

#include <chrono>
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
Value nodes_json(const Value& info);

/// A node that came or went.
struct NodeChange {
  std::string node;
  bool up = false;
  std::string why;      // it is down
  std::string seen_by;  // the node whose peer it is; empty: by this command, which has asked `node`
  bool is_change = true;  // false: how it was found when the watch began, or began anew
};

/// "2026-01-31 23:59:59.000  foo@localhost  went down: why", or "came up", or how it was found: "is
/// down: why", "is up". With the time of this place; no line end.
std::string change_text(const NodeChange& change, std::chrono::system_clock::time_point time);

/// {"time","node","state","change","why","seen_by"}, with the time as UTC in milliseconds.
Value change_json(const NodeChange& change, std::chrono::system_clock::time_point time);

}  // namespace kvmesh::command
