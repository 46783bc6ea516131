#pragma once

#include <kvmesh/client.h>

#include <chrono>
#include <string>
#include <vector>

/// A traced call for people and programs. Pure functions.
namespace kvmesh::command {

/// What a hop's time was spent on.
struct HopTimes {
  std::chrono::microseconds wire{0};  // all but the last: the total without that of the next hop
  std::chrono::microseconds own{0};   // the last: its total, for it alone executes the call
};

/// The times of each hop, from the differences of their totals; clocks of the nodes do not matter.
std::vector<HopTimes> hop_times(const std::vector<Hop>& hops);

/// A table, one line a hop; the first line is this command, whose total is `round_trip`.
std::string hops_table(const std::vector<Hop>& hops, std::chrono::microseconds round_trip,
                       bool color);

/// An array of one object a hop: node, entry, to, total_us, wire_us, own_us, function_us.
std::string hops_json(const std::vector<Hop>& hops);

/// "gate@localhost  n..z -> bar@localhost", one line a hop, each indented by two spaces.
std::string way_text(const std::vector<Hop>& hops);

}  // namespace kvmesh::command
