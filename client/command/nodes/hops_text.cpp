#include "client/command/nodes/hops_text.h"

#include <algorithm>

#include "client/command/base/escape.h"
#include "client/command/base/numbers.h"
#include "client/command/base/table.h"

namespace kvmesh::command {
namespace {

using std::chrono::microseconds;

std::string us(microseconds time) {
  return grouped(static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0)));
}

std::int64_t us_json(microseconds time) { return time.count(); }

}  // namespace

std::vector<microseconds> wire_times(const std::vector<Hop>& hops) {
  std::vector<microseconds> times(hops.size());
  for (std::size_t i = 0; i < hops.size(); ++i) {
    const auto& hop = hops[i];
    if (hop.next.empty() || hop.next == hop.node) continue;  // nothing went over a link
    const auto next = i + 1 < hops.size() ? hops[i + 1].elapsed : microseconds{0};
    times[i] = std::max(hop.elapsed - hop.queued - hop.executed - next, microseconds{0});
  }
  return times;
}

std::string hops_table(const std::vector<Hop>& hops, microseconds round_trip, bool color) {
  constexpr auto kRight = Table::Align::kRight;
  Table table({{"hop", kRight},
               {"node"},
               {"entry"},
               {"to"},
               {"link"},
               {"queue us", kRight},
               {"wire us", kRight},
               {"function us", kRight},
               {"total us", kRight}});
  const auto way_here = round_trip - hops.front().elapsed;
  table.add({"0", "(this command)", "", escape(hops.front().node), "", "", us(way_here), "",
             us(round_trip)});
  const auto wire = wire_times(hops);
  auto queue_sum = microseconds{0};
  auto wire_sum = way_here;
  auto function_sum = microseconds{0};
  for (std::size_t i = 0; i < hops.size(); ++i) {
    const auto& hop = hops[i];
    const bool here = hop.next == hop.node;
    const bool sent = !here && !hop.next.empty();
    table.add({std::to_string(i + 1), escape(hop.node), escape(hop.entry),
               here ? "(executed here)" : (sent ? escape(hop.next) : "(no further)"),
               hop.link > 0 ? "#" + std::to_string(hop.link) : "", us(hop.queued),
               sent ? us(wire[i]) : "", here ? us(hop.executed) : "", us(hop.elapsed)});
    queue_sum += hop.queued;
    wire_sum += wire[i];
    function_sum += hop.executed;
  }
  table.add({"", "sum", "", "", "", us(queue_sum), us(wire_sum), us(function_sum),
             us(queue_sum + wire_sum + function_sum)});
  return table.to_string(color);
}

Value hops_json(const std::vector<Hop>& hops) {
  const auto wire = wire_times(hops);
  Value::List out;
  for (std::size_t i = 0; i < hops.size(); ++i) {
    const auto& hop = hops[i];
    out.emplace_back(Value::Map{{"node", Bytes{hop.node}},
                                {"entry", Bytes{hop.entry}},
                                {"to", Bytes{hop.next}},
                                {"link", hop.link},
                                {"total_us", us_json(hop.elapsed)},
                                {"queue_us", us_json(hop.queued)},
                                {"wire_us", us_json(wire[i])},
                                {"function_us", us_json(hop.executed)}});
  }
  return out;
}

std::string way_text(const std::vector<Hop>& hops) {
  std::string out;
  for (const auto& hop : hops) {
    const bool here = hop.next == hop.node;
    out += "  " + escape(hop.node) + "  " + (hop.entry.empty() ? "" : escape(hop.entry) + " ") +
           (here               ? "is its own"
            : hop.next.empty() ? "goes no further"
                               : "-> " + escape(hop.next)) +
           "\n";
  }
  return out;
}

}  // namespace kvmesh::command
