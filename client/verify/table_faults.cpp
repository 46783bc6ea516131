// Follows every name from every node where a request can enter.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>

#include "client/verify/checks.h"

namespace kvmesh::verify {
namespace {

// The request that shows best what happens, of those met so far.
struct Best {
  int score = -1;
  std::uint8_t byte = 0;
  const Cell* cell = nullptr;
  std::uint32_t entry = 0;

  void offer(const Best& other) {
    if (other.score > score || (other.score == score && other.byte < byte)) *this = other;
  }
};

std::uint8_t most_readable(const RouteKeys& bytes) {
  int best = -1;
  std::uint8_t out = 0;
  for (unsigned value = 0; value < 256; ++value) {
    const auto byte = static_cast<std::uint8_t>(value);
    if (bytes.test(byte) && readability(byte) > best) {
      best = readability(byte);
      out = byte;
    }
  }
  return out;
}

// A name that can be typed, from a client of the line protocol, over at least one hop.
int score_of(std::uint8_t byte, const MeshNode& entry, std::uint32_t hops) {
  return readability(byte) * 4 + (entry.serves_lines ? 2 : 0) + (hops > 0 ? 1 : 0);
}

// Requests of one cell that end in one way at one place.
struct Arrivals {
  std::vector<std::uint32_t> from;
  Best best;
  std::uint32_t hops_max = 0;
};

// How and where requests end that do not reach a store: at which place, and by which entry or on
// which circle where the place alone does not say it.
struct Failure {
  End end = End::kNoEntry;
  std::uint32_t place = 0;
  std::vector<std::uint32_t> more;
  friend auto operator<=>(const Failure&, const Failure&) = default;
};

// All requests that end so.
struct Failed {
  NameSet names;
  std::vector<bool> from;  // by place
  Best best;
};

// Where requests for one cell are stored: each place with the number of entries that lead there.
using Owners = std::vector<std::pair<std::uint32_t, std::size_t>>;

struct Split {
  NameSet names;
  std::map<std::uint32_t, Best> best;  // by owner
};

std::string end_text(const Atlas& atlas, std::uint32_t at, End end) {
  const std::string& name = atlas.name(at);
  switch (end) {
    case End::kStored:
      return name + " stores it";
    case End::kNoEntry:
      return name + " has no entry for it";
    case End::kNotStored:
      return name + " stores nothing";
    case End::kNoWay:
      return name + " knows no way on";
    case End::kUndescribed:
      return "nothing is known of " + name;
    case End::kLoop:
      return name + " had it before";
    case End::kTooManyHops:
      return name + " may not pass it on, after " + std::to_string(limits::kHopsMax) + " hops";
  }
  return {};
}

class TableFaults {
 public:
  explicit TableFaults(const Subject& subject) : subject_(subject), atlas_(subject.atlas) {}

  void follow_all() {
    for (const auto& cell : atlas_.cells()) follow(cell);
  }

  std::vector<Ownership> owners() const {
    std::vector<Ownership> out;
    for (const auto& [key, ownership] : owners_) out.push_back(ownership);
    std::ranges::stable_sort(out, {}, [](const Ownership& o) { return o.names.first(); });
    return out;
  }

  void tell(std::vector<Finding>& out) const {
    for (const auto& [failure, failed] : failures_) out.push_back(told(failure, failed));
    for (const auto& [owners, split] : splits_) out.push_back(told(owners, split));
  }

 private:
  void follow(const Cell& cell) {
    const auto steps = atlas_.steps(cell);
    const auto byte = most_readable(cell.bytes);
    const auto ends = endings(steps);
    std::map<std::pair<End, std::uint32_t>, Arrivals> all;
    for (const auto entry : subject_.entries) {
      const Ending& ending = ends[entry];
      auto& arrivals = all[{ending.end, ending.place}];
      arrivals.from.push_back(entry);
      arrivals.hops_max = std::max(arrivals.hops_max, ending.hops);
      arrivals.best.offer({score_of(byte, atlas_.node(entry), ending.hops), byte, &cell, entry});
    }
    Owners owners;
    for (const auto& [key, arrivals] : all) {
      const auto [end, place] = key;
      if (end == End::kStored) {
        owners.emplace_back(place, arrivals.from.size());
        keep(owners.back(), cell, arrivals);
      } else {
        keep(failure(end, place, steps), cell, arrivals);
      }
    }
    if (owners.size() < 2) return;
    Split& split = splits_[owners];
    split.names.insert(cell.bytes, cell.hashes);
    for (const auto& [place, from] : owners) {
      split.best[place].offer(all.at({End::kStored, place}).best);
    }
  }

  static Failure failure(End end, std::uint32_t place, const std::vector<Step>& steps) {
    if (end == End::kLoop) return {end, place, circle_of(steps, place)};
    if (end == End::kNoWay) return {end, place, {steps[place].entry_index}};
    return {end, place, {}};
  }

  void keep(const Failure& failure, const Cell& cell, const Arrivals& arrivals) {
    Failed& failed = failures_[failure];
    failed.names.insert(cell.bytes, cell.hashes);
    failed.from.resize(atlas_.size());
    for (const auto entry : arrivals.from) failed.from[entry] = true;
    failed.best.offer(arrivals.best);
  }

  void keep(const Owners::value_type& owner, const Cell& cell, const Arrivals& arrivals) {
    Ownership& ownership = owners_[owner];
    ownership.names.insert(cell.bytes, cell.hashes);
    ownership.node = atlas_.name(owner.first);
    ownership.from = owner.second;
    ownership.hops_max = std::max<std::size_t>(ownership.hops_max, arrivals.hops_max);
  }

  Example example(const Best& best, End end) const {
    const auto steps = atlas_.steps(*best.cell);
    const auto way = way_from(steps, best.entry);
    return {example_name(best.byte, best.cell->hashes),
            atlas_.way_text(steps, way) + ": " + end_text(atlas_, way.back(), end)};
  }

  Finding told(const Failure& failure, const Failed& failed) const {
    const auto place = failure.place;
    const std::string bytes = failed.names.to_string();
    const std::string& name = atlas_.name(place);
    Finding out;
    out.names = failed.names;
    out.from = static_cast<std::size_t>(std::ranges::count(failed.from, true));
    out.nodes = {name};
    out.examples = {example(failed.best, failure.end)};
    switch (failure.end) {
      case End::kNoEntry:
        out.kind = FindingKind::kHole;
        out.what = name + " has no entry for " + bytes;
        out.advice = "add one in " + source(place) + ", or lead them to another node";
        // A store that only its peers ask needs no entries for what is not its own.
        if (out.from == 1 && failed.from[place] && !atlas_.node(place).serves_lines) {
          out.advice += "; if no client asks " + name + " itself, verify --from the others";
        }
        break;
      case End::kNotStored:
        out.kind = FindingKind::kDeadEnd;
        out.what = name + " names itself for " + bytes + ", but it stores nothing";
        out.advice =
            "add \"kv\" to apps in " + source(place) + ", or name the node that stores them";
        break;
      case End::kNoWay:
        tell_no_way(place, failure.more.front(), out);
        break;
      case End::kUndescribed:
        tell_undescribed(name, out);
        break;
      case End::kLoop:
        tell_loop(failed.best, out);
        break;
      case End::kTooManyHops:
        out.kind = FindingKind::kTooManyHops;
        out.what = bytes + " would be passed on more than " + std::to_string(limits::kHopsMax) +
                   " times on the way to " + name;
        out.advice = "name a nearer node in one of these entries";
        break;
      case End::kStored:
        break;
    }
    return out;
  }

  std::string source(std::uint32_t place) const { return atlas_.node(place).source; }

  void tell_no_way(std::uint32_t place, std::uint32_t entry, Finding& out) const {
    const auto& node = atlas_.node(place);
    const auto& named = node.table.entries()[entry].node.str();
    out.kind = FindingKind::kDeadEnd;
    out.nodes.push_back(named);
    out.what = node.name.str() + " names " + named + " for " + out.names.to_string() +
               ", but has no address of it";
    out.advice = "add " + named + " to mesh.peers in " + node.source + ", or correct the entry";
  }

  void tell_undescribed(const std::string& name, Finding& out) const {
    const auto silent = subject_.model.silent.find(name);
    out.kind = FindingKind::kDeadEnd;
    out.what =
        out.names.to_string() + (out.names.is_one() ? " leads to " : " lead to ") + name + ", ";
    if (silent == subject_.model.silent.end()) {
      out.what += "which no configuration describes";
      out.advice = "name its configuration too, or correct the entries that lead there";
    } else {
      out.what += "which does not answer: " + silent->second;
      out.advice = "start it, or change the entries that lead there";
    }
  }

  void tell_loop(const Best& best, Finding& out) const {
    const auto steps = atlas_.steps(*best.cell);
    // As the nodes tell it: from the first that meets the request again.
    const auto circle = circle_of(steps, way_from(steps, best.entry).back());
    out.kind = FindingKind::kLoop;
    out.nodes.clear();
    for (std::size_t i = 0; i + 1 < circle.size(); ++i) out.nodes.push_back(atlas_.name(circle[i]));
    out.what = out.names.to_string() + (out.names.is_one() ? " goes" : " go") +
               " in a loop: " + atlas_.way_text(steps, circle);
    out.advice = "change one of these entries; " + name_sources(circle);
  }

  std::string name_sources(const std::vector<std::uint32_t>& circle) const {
    std::vector<std::string> sources;
    for (std::size_t i = 0; i + 1 < circle.size(); ++i) sources.push_back(source(circle[i]));
    return "they stand in " + some_of(sources);
  }

  Finding told(const Owners& owners, const Split& split) const {
    Finding out;
    out.kind = FindingKind::kSplitBrain;
    out.names = split.names;
    std::vector<std::string> shares;
    for (const auto& [place, from] : owners) {
      out.nodes.push_back(atlas_.name(place));
      out.from += from;
      out.examples.push_back(example(split.best.at(place), End::kStored));
      shares.push_back(atlas_.name(place) + " (from " + counted(from, "node", "nodes") + ")");
    }
    out.what = split.names.to_string() + (split.names.is_one() ? " ends" : " end") +
               " at different nodes: " + some_of(shares);
    out.advice = "let all tables lead to the same one; what is stored at the others is not found";
    return out;
  }

  const Subject& subject_;
  const Atlas& atlas_;
  std::map<Failure, Failed> failures_;
  std::map<Owners::value_type, Ownership> owners_;
  std::map<Owners, Split> splits_;
};

}  // namespace

void find_table_faults(const Subject& subject, Report& report) {
  TableFaults faults{subject};
  faults.follow_all();
  report.owners = faults.owners();
  faults.tell(report.findings);
}

}  // namespace kvmesh::verify
