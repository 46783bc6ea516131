#include "client/command/plan/plan_text.h"

#include <algorithm>
#include <map>
#include <utility>

#include "client/command/base/numbers.h"
#include "client/command/base/table.h"
#include "client/command/verify/texts.h"

namespace kvmesh::command {
namespace {

// A node that gives something away and takes nothing: from its reload to that of TO the range is
// closed, so nothing is written between its export and its import.
constexpr const char* kInTurn =
    "In this order, and each step only after all of the one before have ended with status 0: (1) "
    "each FROM takes its new table (kvmesh reload), which closes what it gives away; (2) for each "
    "of these lines, kvmesh export --on FROM --range RANGE > FILE and kvmesh import --on TO FILE; "
    "(3) all other nodes take theirs, which opens it; kvmesh verify --live names what is left; (4) "
    "for each line, kvmesh drop --on FROM --range RANGE. config/README.md explains the steps (Give "
    "a range to another node).";
// An entry by first byte stands before all by hash, so it cannot give away some of its hashes; and
// a node that gives and takes would open what it takes before that is there.
constexpr const char* kAllAtOnce =
    "Here all tables change at once. In this order, and each step only after the one before has "
    "ended with status 0: (1) let nobody write; (2) kvmesh backup DIR; (3) all nodes take their "
    "new tables (kvmesh reload); (4) kvmesh restore DIR; kvmesh verify --live names what is left; "
    "(5) for each of these lines, kvmesh drop --on FROM --range RANGE; (6) writers may go on.";

// Whether some node both gives and takes.
bool has_swaps(const Plan& plan) {
  return std::ranges::any_of(plan.moves, [&](const PlannedMove& move) {
    return std::ranges::find(plan.moves, move.to, &PlannedMove::from) != plan.moves.end();
  });
}

std::string hashes_text(const RouteKeys& hashes) {
  return RouteRange::of_hashes(hashes).to_string();
}

Amount total_of(const std::vector<PlannedMove>& moves) {
  Amount out;
  for (const auto& move : moves) out += move.amount;
  return out;
}

// How much of its share each has: 1.00 is as much as its weight says.
std::string of_share(const Plan& plan, const PlannedNode& node, bool after) {
  double weights = 0;
  double buckets = 0;
  for (const auto& one : plan.nodes) {
    weights += one.weight;
    buckets += static_cast<double>((after ? one.after : one.before).buckets);
  }
  const double share = node.weight / weights * buckets;
  if (share <= 0) return "-";
  return decimal(static_cast<double>((after ? node.after : node.before).buckets) / share, 2);
}

std::string before_and_after(const std::string& before, const std::string& after) {
  return before == after ? before : before + " -> " + after;
}

std::string nodes_text(const Plan& plan, bool color) {
  using Align = Table::Align;
  Table rows({{"node"},
              {"weight", Align::kRight},
              {"hashes", Align::kRight},
              {"buckets", Align::kRight},
              {"of its share", Align::kRight}});
  for (const auto& node : plan.nodes) {
    rows.add({node.node, node.weight > 0 ? decimal(node.weight, node.weight < 1 ? 2 : 0) : "none",
              before_and_after(grouped(node.hashes_before), grouped(node.hashes_after)),
              before_and_after(grouped(node.before.buckets), grouped(node.after.buckets)),
              before_and_after(of_share(plan, node, false), of_share(plan, node, true))});
  }
  return rows.to_string(color);
}

std::string moves_text(const Plan& plan, bool color) {
  using Align = Table::Align;
  Table rows({{"from"},
              {"to"},
              {"buckets", Align::kRight},
              {"keys", Align::kRight},
              {"bytes, about", Align::kRight},
              {"range"}});
  for (const auto& move : plan.moves) {
    rows.add({move.from, move.to, grouped(move.amount.buckets), grouped(move.amount.keys),
              byte_count(move.amount.bytes), hashes_text(move.hashes)});
  }
  return rows.to_string(color);
}

std::string counted(std::uint64_t count, const char* one, const char* many) {
  return grouped(count) + " " + (count == 1 ? one : many);
}

Value amount_json(const Amount& amount) {
  return Value::Map{{"buckets", amount.buckets}, {"keys", amount.keys}, {"bytes", amount.bytes}};
}

}  // namespace

Plan make_plan(const std::vector<plan::Candidate>& candidates, const plan::Before& before,
               const plan::After& after, const Stored& stored, plan::Proposal proposal) {
  Plan out;
  std::map<std::string, PlannedNode> nodes;
  for (const auto& candidate : candidates) {
    auto& node = nodes[candidate.node];
    node.node = candidate.node;
    node.weight = candidate.weight;
  }
  for (std::size_t slot = 0; slot < plan::kSlots; ++slot) {
    if (before[slot]) ++nodes[candidates[*before[slot]].node].hashes_before;
    ++nodes[candidates[after[slot]].node].hashes_after;
  }
  out.hashes_moved = plan::moved_slots(before, after);
  std::map<std::pair<std::string, std::string>, PlannedMove> moves;
  for (const auto& [from, amounts] : stored.of_nodes) {
    for (std::size_t slot = 0; slot < plan::kSlots; ++slot) {
      const auto& to = candidates[after[slot]].node;
      const auto& amount = amounts[slot];
      if (amount.buckets > 0) {
        nodes[from].node = from;
        nodes[from].before += amount;
        nodes[to].after += amount;
      }
      const bool held =
          amount.buckets > 0 || (before[slot] && candidates[*before[slot]].node == from);
      if (!held || from == to) continue;
      auto& move = moves[{from, to}];
      move.from = from;
      move.to = to;
      move.hashes.set(slot);
      move.amount += amount;
    }
  }
  for (auto& [pair, move] : moves) out.moves.push_back(std::move(move));
  for (auto& [name, node] : nodes) out.nodes.push_back(std::move(node));
  out.proposal = std::move(proposal);
  return out;
}

std::string plan_text(const Plan& plan, bool color) {
  const auto total = total_of(plan.moves);
  std::string out;
  if (plan.hashes_moved == 0 && plan.moves.empty()) {
    out = "nothing has to move\n\n";
  } else {
    out = counted(plan.hashes_moved, "hash", "hashes") + " of " + std::to_string(plan::kSlots) +
          (plan.hashes_moved == 1 ? " changes" : " change") +
          " the owner: " + counted(total.buckets, "bucket", "buckets") + " with " +
          counted(total.keys, "key", "keys") + ", about " + byte_count(total.bytes) + ", move\n";
    if (plan.replaces_bytes) out += "All tables by first byte become tables by hash.\n";
    out += "\n";
  }
  out += nodes_text(plan, color) + "\n";
  const auto& report = plan.proposal.report;
  if (!report.sound()) {
    return out + "with these tables the mesh would be " + verdict_text(report) + ": " +
           faults_text(report) + "\nThe plan is of no use until that is mended.\n";
  }
  if (!plan.moves.empty()) {
    out += moves_text(plan, color) + "\nBuckets do not move by themselves. " +
           (plan.replaces_bytes || has_swaps(plan) ? kAllAtOnce : kInTurn) + "\n\n";
  }
  return out + "with these tables: " + verdict_text(report) + "\n";
}

Value plan_json(const Plan& plan) {
  Value::List nodes;
  for (const auto& node : plan.nodes) {
    nodes.emplace_back(Value::Map{{"node", node.node},
                                  {"weight", node.weight},
                                  {"hashes_before", node.hashes_before},
                                  {"hashes_after", node.hashes_after},
                                  {"before", amount_json(node.before)},
                                  {"after", amount_json(node.after)}});
  }
  Value::List moves;
  for (const auto& move : plan.moves) {
    moves.emplace_back(Value::Map{{"from", move.from},
                                  {"to", move.to},
                                  {"range", hashes_text(move.hashes)},
                                  {"amount", amount_json(move.amount)}});
  }
  Value::Map tables;
  for (const auto& node : plan.proposal.mesh.nodes) {
    Value::List entries;
    for (const auto& entry : node.table.entries()) {
      entries.emplace_back(
          Value::Map{{"range", entry.range.to_string()}, {"node", entry.node.str()}});
    }
    tables.emplace_back(node.name.str(), std::move(entries));
  }
  return Value::Map{{"hashes_moved", plan.hashes_moved},
                    {"moved", amount_json(total_of(plan.moves))},
                    {"replaces_bytes", plan.replaces_bytes},
                    {"nodes", std::move(nodes)},
                    {"moves", std::move(moves)},
                    {"tables", std::move(tables)},
                    {"sound", plan.proposal.report.sound()}};
}

std::string table_toml(const RoutingTable& table) {
  std::string out = "[kv]\nrouting_table = [\n";
  for (const auto& entry : table.entries()) {
    // The only characters of a range that TOML would read otherwise.
    std::string range;
    for (const char c : entry.range.to_string())
      range += (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c);
    out += "  { range = \"" + range + "\", node = \"" + entry.node.str() + "\" },\n";
  }
  return out + "]\n";
}

}  // namespace kvmesh::command
