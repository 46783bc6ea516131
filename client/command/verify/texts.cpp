// The reports of `verify` as JSON.
#include "client/command/verify/texts.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "client/command/base/escape.h"
#include "client/command/base/json.h"
#include "client/command/base/numbers.h"
#include "client/command/base/table.h"
#include "client/command/base/values.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

using verify::Finding;
using verify::Report;
using verify::Severity;

std::string from_text(std::size_t from, std::size_t entries) {
  if (from == entries) return entries == 1 ? "the only node" : "all " + grouped(entries) + " nodes";
  return grouped(from) + " of " + grouped(entries) + " nodes";
}

std::string hops_text(std::size_t hops_max) {
  return hops_max == 0 ? "none" : "up to " + std::to_string(hops_max);
}

// Names and paths of files may be anything.
std::string finding_text(const Finding& finding, std::size_t entries, bool color) {
  const bool fault = finding.severity() == Severity::kFault;
  const std::string label = fault ? "fault" : "warning";
  std::string out = color ? (fault ? "\x1b[31m" : "\x1b[33m") + label + ":\x1b[0m " : label + ": ";
  out += std::string{to_string(finding.kind)} + ": " + escape(finding.what) + "\n";
  for (const auto& example : finding.examples) {
    out += "    ";
    if (!example.bucket.empty()) out += "bucket " + quoted_text(example.bucket) + ": ";
    out += escape(example.way) + "\n";
  }
  const bool counts = finding.severity() == Severity::kFault && !finding.names.empty();
  out += "    ";
  if (counts) out += "From " + from_text(finding.from, entries) + ". ";
  return out + "To do: " + escape(finding.advice) + "\n";
}

// Of a column of names.
template <typename Rows>
std::string title_of(const Rows& rows) {
  const auto is_by_bytes = [](const auto& row) { return row.names.is_by_bytes(); };
  return std::ranges::all_of(rows, is_by_bytes) ? "first byte" : "first byte or hash";
}

std::string owners_text(const Report& report, bool color) {
  Table rows({{title_of(report.owners)}, {"stored at"}, {"from"}, {"hops"}});
  for (const auto& owner : report.owners) {
    rows.add({owner.names.to_string(), owner.node, from_text(owner.from, report.entries.size()),
              hops_text(owner.hops_max)});
  }
  return rows.to_string(color);
}

std::string owner_text(const std::vector<std::string>& owners) {
  return owners.empty() ? "(nobody)" : verify::some_of(owners);
}

// What the moves of some changes come to.
struct Total {
  std::uint64_t buckets = 0;
  std::uint64_t keys = 0;
  bool complete = true;

  void add(const std::vector<Move>& moves) {
    for (const auto& move : moves) {
      buckets += move.buckets;
      keys += move.keys;
      complete = complete && move.status.ok();
    }
  }
  // "3", "3+" when there may be more, "?" when nothing is known.
  std::string cell(std::uint64_t count) const {
    if (complete) return grouped(count);
    return count == 0 ? "?" : grouped(count) + "+";
  }
};

std::string changes_text(const verify::Difference& difference, const Moves* moves, bool color) {
  std::vector<Table::Column> columns{{title_of(difference.changes)}, {"before"}, {"after"}};
  if (moves != nullptr) {
    columns.push_back({"buckets", Table::Align::kRight});
    columns.push_back({"keys", Table::Align::kRight});
  }
  Table rows(std::move(columns));
  for (std::size_t i = 0; i < difference.changes.size(); ++i) {
    const auto& change = difference.changes[i];
    std::vector<std::string> cells{change.names.to_string(), owner_text(change.before),
                                   owner_text(change.after)};
    if (moves != nullptr) {
      Total total;
      total.add(moves->of_changes[i]);
      // Nobody is known to store these: a node that does not answer may.
      if (change.before.empty() && !moves->silent.empty()) total.complete = false;
      cells.push_back(total.cell(total.buckets));
      cells.push_back(total.cell(total.keys));
    }
    rows.add(std::move(cells));
  }
  return rows.to_string(color);
}

// A line for each, up to kShownOfAKind.
std::string some_lines(const std::vector<std::string>& lines) {
  std::string out;
  for (std::size_t i = 0; i < std::min(lines.size(), kShownOfAKind); ++i) out += lines[i] + "\n";
  if (lines.size() <= kShownOfAKind) return out;
  return out + "... and " + grouped(lines.size() - kShownOfAKind) +
         " more nodes; --json has them all\n";
}

std::string silent_text(const Moves& moves) {
  std::vector<std::string> lines;
  lines.reserve(moves.silent.size());
  for (const auto& [node, why] : moves.silent) {
    lines.push_back("not counted: what " + escape(node) +
                    " stores, which does not answer: " + escape(why));
  }
  return some_lines(lines);
}

std::string counted_text(std::uint64_t buckets, std::uint64_t keys) {
  return grouped(buckets) + (buckets == 1 ? " bucket with " : " buckets with ") + grouped(keys) +
         (keys == 1 ? " key" : " keys");
}

// What a node holds in all goes with it: it says how much memory moves, at most.
std::string moves_text(const Moves& moves) {
  Total total;
  std::map<std::string, std::string> failed;
  for (const auto& of_change : moves.of_changes) {
    total.add(of_change);
    for (const auto& move : of_change) {
      if (!move.status.ok()) failed.emplace(move.from, move.status.to_string());
    }
  }
  total.complete = total.complete && moves.silent.empty();
  std::string out = std::string{"to move: "} + (total.complete ? "" : "at least ") +
                    counted_text(total.buckets, total.keys) + "\n";
  std::vector<std::string> holdings;
  holdings.reserve(moves.holdings.size());
  for (const auto& holding : moves.holdings) {
    holdings.push_back(escape(holding.node) + " holds " +
                       counted_text(holding.buckets, holding.keys) + " in all, " +
                       byte_count(holding.bytes));
  }
  std::vector<std::string> failures;
  failures.reserve(failed.size());
  for (const auto& [node, why] : failed) {
    failures.push_back("not all counted: what " + escape(node) + " stores: " + escape(why));
  }
  return out + some_lines(holdings) + some_lines(failures) + silent_text(moves);
}

bool may_have_to_move(const verify::Difference& difference, const Moves* moves) {
  if (moves == nullptr) {
    return std::ranges::any_of(difference.changes, [](const auto& c) { return !c.before.empty(); });
  }
  Total total;
  for (const auto& of_change : moves->of_changes) total.add(of_change);
  return total.buckets > 0 || !total.complete || !moves->silent.empty();
}

std::string line_of_names(const std::string& label, const std::vector<std::string>& names) {
  return names.empty() ? "" : label + verify::some_of(names, 10) + "\n";
}

}  // namespace

std::string verdict_text(const Report& report) {
  const auto entries = report.entries.size();
  if (report.sound()) {
    const std::string at =
        entries == 1 ? report.entries.front() : "any of " + grouped(entries) + " nodes";
    return "sound: a request for any bucket that enters at " + at + " ends where it is stored";
  }
  const auto warnings = report.findings.size() - report.faults();
  return "not sound: " + verify::counted(report.faults(), "fault", "faults") +
         (warnings == 0 ? "" : " and " + verify::counted(warnings, "warning", "warnings")) +
         " in a mesh of " + grouped(report.nodes.size()) +
         (report.nodes.size() == 1 ? " node" : " nodes");
}

std::string faults_text(const Report& report) {
  std::vector<std::string> faults;
  for (const auto& finding : report.findings) {
    if (finding.severity() == Severity::kFault) {
      faults.push_back(std::string{to_string(finding.kind)} + ": " + finding.what);
    }
  }
  const auto shown = std::min(faults.size(), kShownOfAKind);
  const auto more = faults.size() - shown;
  faults.resize(shown);
  return joined(faults, "; ") + (more > 0 ? "; and " + grouped(more) + " more" : "");
}

std::string report_text(const Report& report, bool color) {
  std::string out;
  std::array<std::size_t, verify::kFindingKindCount> counts{};
  for (const auto& finding : report.findings) {
    const auto told = ++counts[static_cast<std::size_t>(finding.kind)];
    if (told <= kShownOfAKind) out += finding_text(finding, report.entries.size(), color);
  }
  for (std::size_t kind = 0; kind < counts.size(); ++kind) {
    if (counts[kind] <= kShownOfAKind) continue;
    out += "... and " + grouped(counts[kind] - kShownOfAKind) + " more of \"" +
           std::string{to_string(static_cast<verify::FindingKind>(kind))} +
           "\"; --json has them all\n";
  }
  if (!out.empty()) out += "\n";
  if (!report.owners.empty()) out += owners_text(report, color) + "\n";
  return out + verdict_text(report) + "\n";
}

std::string difference_text(const verify::Difference& difference, const Moves* moves, bool color) {
  std::string out =
      line_of_names("joins: ", difference.joined) + line_of_names("leaves: ", difference.left);
  if (difference.changes.empty()) {
    return out + "no bucket changes its owner\n" + (moves != nullptr ? silent_text(*moves) : "");
  }
  out += changes_text(difference, moves, color);
  if (moves != nullptr) out += moves_text(*moves);
  if (may_have_to_move(difference, moves)) {
    if (moves == nullptr) {
      out +=
          "How many buckets that are, files do not say: --diff tcp://HOST:PORT asks the nodes that "
          "run.\n";
    }
    out +=
        "Buckets do not move by themselves, and what is written between an export and its import "
        "would be lost. For each range, in this order: BEFORE gives it away (kvmesh reload), which "
        "closes it; kvmesh export --on BEFORE --range RANGE > FILE; kvmesh import --on AFTER FILE; "
        "AFTER takes it (kvmesh reload), which opens it. config/README.md has it step by step: "
        "Give a range to another node.\n";
  }
  return out;
}

namespace {

// Paths of files, and names of others, need not be UTF-8.
Value bytes(const std::string& text) { return Bytes{text}; }

Value list_of(const std::vector<std::string>& texts) {
  Value::List out;
  for (const auto& text : texts) out.push_back(bytes(text));
  return out;
}

Value ranges_of(const verify::NameSet& set) {
  Value::List out;
  for (auto& text : set.texts()) out.emplace_back(std::move(text));
  return out;
}

Value value_of(const verify::Finding& finding) {
  Value::List examples;
  for (const auto& example : finding.examples) {
    Value::Map one;
    if (!example.bucket.empty()) one.emplace_back("bucket", bytes(example.bucket));
    one.emplace_back("way", bytes(example.way));
    examples.emplace_back(std::move(one));
  }
  const bool fault = finding.severity() == verify::Severity::kFault;
  return Value::Map{{"severity", fault ? "fault" : "warning"},
                    {"kind", std::string{to_string(finding.kind)}},
                    {"what", bytes(finding.what)},
                    {"nodes", list_of(finding.nodes)},
                    {"ranges", ranges_of(finding.names)},
                    {"from", finding.from},
                    {"examples", std::move(examples)},
                    {"advice", bytes(finding.advice)}};
}

Value value_of(const std::vector<Move>& moves) {
  Value::List out;
  for (const auto& move : moves) {
    Value::Map one{{"from", bytes(move.from)},
                   {"buckets", move.buckets},
                   {"keys", move.keys},
                   {"complete", move.status.ok()}};
    if (!move.status.ok()) one.emplace_back("error", error_value(move.status));
    out.emplace_back(std::move(one));
  }
  return out;
}

Value value_of(const std::vector<Holding>& holdings) {
  Value::List out;
  for (const auto& holding : holdings) {
    out.emplace_back(Value::Map{{"node", bytes(holding.node)},
                                {"buckets", holding.buckets},
                                {"keys", holding.keys},
                                {"bytes", holding.bytes}});
  }
  return out;
}

}  // namespace

Value report_json(const verify::Report& report) {
  Value::List owners;
  for (const auto& owner : report.owners) {
    owners.emplace_back(Value::Map{{"ranges", ranges_of(owner.names)},
                                   {"node", bytes(owner.node)},
                                   {"from", owner.from},
                                   {"hops_max", owner.hops_max}});
  }
  Value::List findings;
  for (const auto& finding : report.findings) findings.push_back(value_of(finding));
  return Value::Map{{"sound", report.sound()},        {"faults", report.faults()},
                    {"nodes", list_of(report.nodes)}, {"entries", list_of(report.entries)},
                    {"owners", std::move(owners)},    {"findings", std::move(findings)}};
}

Value difference_json(const verify::Difference& difference, const Moves* moves,
                      const verify::Report& after) {
  Value::List changes;
  for (std::size_t i = 0; i < difference.changes.size(); ++i) {
    const auto& change = difference.changes[i];
    Value::Map one{{"ranges", ranges_of(change.names)},
                   {"before", list_of(change.before)},
                   {"after", list_of(change.after)}};
    if (moves != nullptr) one.emplace_back("moves", value_of(moves->of_changes[i]));
    changes.emplace_back(std::move(one));
  }
  Value::Map out{{"joined", list_of(difference.joined)},
                 {"left", list_of(difference.left)},
                 {"changes", std::move(changes)}};
  if (moves != nullptr) {
    out.emplace_back("holdings", value_of(moves->holdings));
    Value::Map silent;
    for (const auto& [node, why] : moves->silent) silent.emplace_back(node, bytes(why));
    out.emplace_back("silent", std::move(silent));
  }
  out.emplace_back("after", report_json(after));
  return out;
}

}  // namespace kvmesh::command
