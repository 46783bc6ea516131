#include "client/command/hops_text.h"

#include <algorithm>

#include "client/command/json_lines.h"
#include "client/command/number_text.h"
#include "client/command/table.h"
#include "client/command/tsv.h"

namespace kvmesh::command {
namespace {

using std::chrono::microseconds;

std::string us(microseconds time) {
  return grouped(static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0)));
}

std::string us_json(microseconds time) { return std::to_string(time.count()); }

}  // namespace

std::vector<HopTimes> hop_times(const std::vector<Hop>& hops) {
  std::vector<HopTimes> times(hops.size());
  for (std::size_t i = 0; i < hops.size(); ++i) {
    if (i + 1 == hops.size()) {
      times[i].own = hops[i].elapsed;
    } else {
      times[i].wire = std::max(hops[i].elapsed - hops[i + 1].elapsed, microseconds{0});
    }
  }
  return times;
}

std::string hops_table(const std::vector<Hop>& hops, microseconds round_trip, bool color) {
  constexpr auto kRight = Table::Align::kRight;
  Table table({{"hop", kRight},
               {"node"},
               {"entry"},
               {"to"},
               {"total us", kRight},
               {"wire us", kRight},
               {"own us", kRight}});
  const auto first = hops.empty() ? round_trip : hops.front().elapsed;
  table.add({"0", "(this command)", "", hops.empty() ? "" : escape(hops.front().node),
             us(round_trip), us(round_trip - first), ""});
  const auto times = hop_times(hops);
  for (std::size_t i = 0; i < hops.size(); ++i) {
    const bool last = i + 1 == hops.size();
    const bool here = hops[i].next == hops[i].node;
    table.add({std::to_string(i + 1), escape(hops[i].node), escape(hops[i].entry),
               here ? "(executed here)" : escape(hops[i].next), us(hops[i].elapsed),
               last ? "" : us(times[i].wire), last ? us(times[i].own) : ""});
  }
  return table.to_string(color);
}

std::string hops_json(const std::vector<Hop>& hops) {
  const auto times = hop_times(hops);
  std::string out = "[";
  for (std::size_t i = 0; i < hops.size(); ++i) {
    out += std::string{i == 0 ? "" : ","} + "{\"node\":" + bytes_as_json(hops[i].node) +
           ",\"entry\":" + bytes_as_json(hops[i].entry) + ",\"to\":" + bytes_as_json(hops[i].next) +
           ",\"total_us\":" + us_json(hops[i].elapsed) + ",\"wire_us\":" + us_json(times[i].wire) +
           ",\"own_us\":" + us_json(times[i].own) +
           ",\"function_us\":" + us_json(hops[i].executed) + "}";
  }
  return out + "]";
}

std::string way_text(const std::vector<Hop>& hops) {
  std::string out;
  for (const auto& hop : hops) {
    const bool here = hop.next == hop.node;
    out += "  " + escape(hop.node) + "  " + (hop.entry.empty() ? "" : escape(hop.entry) + " ") +
           (here ? "is its own" : "-> " + escape(hop.next)) + "\n";
  }
  return out;
}

}  // namespace kvmesh::command
