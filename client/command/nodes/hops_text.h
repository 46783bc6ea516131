#pragma once

#include <kvmesh/client.h>

#include <chrono>
#include <string>
#include <vector>

/// A traced call for people and programs. Pure functions.
namespace kvmesh::command {

/// For each hop the time on the link to the next, there and back: what is left of its total without
/// its own queue and function and without the next hop's total. Clocks of different nodes do not
/// matter, and each total is the sum of the parts from there on.
std::vector<std::chrono::microseconds> wire_times(const std::vector<Hop>& hops);

/// A table, one line a hop; the first line is this command, the last the sums of the parts, which
/// make `round_trip`. REQUIRES: `hops` is not empty.
std::string hops_table(const std::vector<Hop>& hops, std::chrono::microseconds round_trip,
                       bool color);

/// An array of one object a hop: node, entry, to, link, total_us, queue_us, wire_us, function_us.
Value hops_json(const std::vector<Hop>& hops);

/// "gate@localhost  n..z -> bar@localhost", one line a hop, each indented by two spaces.
std::string way_text(const std::vector<Hop>& hops);

}  // namespace kvmesh::command
