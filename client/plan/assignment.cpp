#include "client/plan/assignment.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

namespace kvmesh::plan {
namespace {

bool all_zero(const Loads& loads) {
  return std::ranges::all_of(loads, [](auto load) { return load == 0; });
}

// Loads that can be added up, and that say something: slots count alike when no load is known.
Loads usable(Loads loads) {
  if (all_zero(loads)) loads.fill(1);
  if (std::ranges::max(loads) > std::numeric_limits<std::uint64_t>::max() / kSlots) {
    for (auto& load : loads) load /= kSlots;
  }
  return loads;
}

// Who owns each slot while a plan is made, with each member's number of slots and load.
// Slots without an owner belong to nobody(), the index after the last member.
class Layout {
 public:
  Layout(std::span<const Member> members, const Before& before, const Loads& loads)
      : loads_(usable(loads)), counts_(members.size() + 1), sums_(members.size() + 1) {
    // Divided by the largest, weights can be added up; the least keeps fullness finite.
    constexpr double kWeightMin = 1e-9;
    const auto largest = std::ranges::max(members, {}, &Member::weight).weight;
    for (const auto& [weight] : members) weights_.push_back(std::max(weight / largest, kWeightMin));
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      if (before[slot] && *before[slot] >= size()) std::abort();  // REQUIRES of assign()
      before_[slot] = before[slot].value_or(nobody());
      ++counts_[before_[slot]];
      sums_[before_[slot]] += loads_[slot];
    }
    owners_ = before_;
    total_ = static_cast<double>(std::reduce(sums_.begin(), sums_.end()));
    mean_ = total_ / std::reduce(weights_.begin(), weights_.end());
  }

  std::uint32_t size() const { return static_cast<std::uint32_t>(weights_.size()); }
  std::uint32_t nobody() const { return size(); }
  double weight(std::uint32_t member) const { return weights_[member]; }
  std::uint32_t owner(std::size_t slot) const { return owners_[slot]; }
  const After& owners() const { return owners_; }
  std::uint64_t load(std::size_t slot) const { return loads_[slot]; }
  std::uint32_t count(std::uint32_t member) const { return counts_[member]; }
  std::uint64_t sum(std::uint32_t member) const { return sums_[member]; }
  double slot_load() const { return total_ / kSlots; }

  // The fullness is load by weight. The mean is that of all members together.
  double mean() const { return mean_; }
  double fullness_with(std::uint32_t member, std::uint64_t sum) const {
    return static_cast<double>(sum) / weights_[member];
  }
  double fullness(std::uint32_t member) const { return fullness_with(member, sums_[member]); }
  double most() const {
    double out = 0;
    for (std::uint32_t member = 0; member < size(); ++member) out = std::max(out, fullness(member));
    return out;
  }

  // What it adds to the slots that move: 1, or -1 when the slot returns to its owner before.
  int added_moves(std::size_t slot, std::uint32_t to) const {
    if (before_[slot] == nobody()) return 0;
    return (to != before_[slot] ? 1 : 0) - (owners_[slot] != before_[slot] ? 1 : 0);
  }

  // What the slots of one owner from `first` to `last` add to the number of ranges at `to`.
  int added_ranges(std::size_t first, std::size_t last, std::uint32_t to) const {
    const auto from = owners_[first];
    int added = 0;
    const auto add = [&](std::uint32_t neighbour) {
      added += (neighbour != to ? 1 : 0) - (neighbour != from ? 1 : 0);
    };
    if (first > 0) add(owners_[first - 1]);
    if (last + 1 < kSlots) add(owners_[last + 1]);
    return added;
  }

  void move(std::size_t slot, std::uint32_t to) {
    const auto from = owners_[slot];
    --counts_[from];
    ++counts_[to];
    sums_[from] -= loads_[slot];
    sums_[to] += loads_[slot];
    owners_[slot] = to;
  }

 private:
  After before_{};
  After owners_{};
  Loads loads_;
  std::vector<double> weights_;
  std::vector<std::uint32_t> counts_;
  std::vector<std::uint64_t> sums_;
  double total_ = 0;
  double mean_ = 0;
};

// How many slots each member should hold.
struct Quotas {
  std::vector<std::uint32_t> least;  // its share, rounded down, but at least one
  std::vector<std::uint32_t> exact;  // these add up to all slots
};

// The members' shares of all slots. A member whose share is less than a slot gets one, and the
// others share what is left.
std::vector<double> shares_of(const Layout& layout) {
  std::vector<std::pair<double, std::uint32_t>> lightest_first;
  double weights = 0;
  for (std::uint32_t member = 0; member < layout.size(); ++member) {
    lightest_first.emplace_back(layout.weight(member), member);
    weights += layout.weight(member);
  }
  std::ranges::sort(lightest_first);
  double slots = kSlots;
  std::vector<double> out(layout.size(), 1);
  for (const auto& [weight, member] : lightest_first) {
    const auto share = slots * weight / weights;
    if (share > 1) {
      out[member] = share;
    } else {
      slots -= 1;
      weights -= weight;
    }
  }
  return out;
}

Quotas quotas_of(const Layout& layout) {
  constexpr double kRounding = 1e-9;  // 31.9999999999 slots are 32, and remainders can be equal
  Quotas out;
  std::vector<std::tuple<double, std::int64_t, std::uint32_t>> order;
  for (const auto share : shares_of(layout)) {
    const auto member = static_cast<std::uint32_t>(order.size());
    const auto least = static_cast<std::uint32_t>(share + kRounding);
    out.least.push_back(least);
    order.emplace_back(std::round((least - share) / kRounding),
                       std::int64_t{least} - layout.count(member), member);
  }
  std::ranges::sort(order);
  out.exact = out.least;
  auto left = kSlots - std::reduce(out.least.begin(), out.least.end(), std::size_t{0});
  for (std::size_t i = 0; left > 0; ++i, --left) ++out.exact[std::get<2>(order.at(i))];
  return out;
}

// How many slots each member takes; below zero: gives. The last number is nobody's, and they add
// up to zero. With loads, a member that is full enough with few slots takes none.
std::vector<int> changes_of(const Layout& layout, const Quotas& quotas, bool loaded) {
  std::vector<int> out(layout.size() + 1);
  std::vector<double> fullness;  // expected, while it is open which slots move
  const auto take = [&](std::uint32_t member, int slots) {
    out[member] += slots;
    fullness[member] += slots * layout.slot_load() / layout.weight(member);
  };
  auto left = static_cast<int>(layout.count(layout.nobody()));
  out.back() = -left;
  for (std::uint32_t member = 0; member < layout.size(); ++member) {
    fullness.push_back(layout.fullness(member));
    // With loads by rounded-down shares: the rest goes by what members hold, so the next plan
    // could find other quotas and move slots again.
    const auto least = loaded ? quotas.least[member] : quotas.exact[member];
    if (layout.count(member) >= least || (loaded && fullness[member] >= layout.mean())) continue;
    const auto short_of = static_cast<int>(quotas.exact[member] - layout.count(member));
    take(member, short_of);
    left -= short_of;
  }
  for (; left > 0; --left) {
    const auto emptiest = std::ranges::min_element(fullness) - fullness.begin();
    take(static_cast<std::uint32_t>(emptiest), 1);
  }
  for (; left < 0; ++left) {
    std::optional<std::uint32_t> giver;
    for (std::uint32_t member = 0; member < layout.size(); ++member) {
      const auto count = layout.count(member) + static_cast<std::uint32_t>(out[member]);
      if (count <= quotas.exact[member]) continue;
      if (!giver || fullness[member] > fullness[*giver]) giver = member;
    }
    take(giver.value(), -1);  // as quotas add up, one holds too much while another is short
  }
  return out;
}

// Neighbouring slots of one owner that can go to a member.
struct Shift {
  std::size_t first = 0;
  std::size_t last = 0;
  std::uint32_t to = 0;
  int ranges = 0;          // that it adds
  int room = 0;            // on how many sides it can grow: later slots then add no range
  std::uint64_t load = 0;  // of a slot
  bool better_than(const Shift& other) const {
    return std::tuple(ranges, -room, load) < std::tuple(other.ranges, -other.room, other.load);
  }
};

// Moves slots until all members have taken and given their numbers. A step moves one slot or a
// whole range, which often adds no range.
class Shifting {
 public:
  Shifting(Layout& layout, std::vector<int> changes)
      : layout_(layout), changes_(std::move(changes)) {}

  bool step() {
    best_.reset();
    neediest_ = static_cast<std::uint32_t>(std::ranges::max_element(changes_) - changes_.begin());
    for (std::size_t first = 0, last = 0; first < kSlots; first = last + 1) {
      last = first;
      while (last + 1 < kSlots && layout_.owner(last + 1) == layout_.owner(first)) ++last;
      if (!gives(first)) continue;
      for (auto slot = first; slot <= last; ++slot) consider(slot, slot);
      if (last > first) consider(first, last);
    }
    if (!best_) return false;
    for (auto slot = best_->first; slot <= best_->last; ++slot) {
      ++changes_[layout_.owner(slot)];
      --changes_[best_->to];
      layout_.move(slot, best_->to);
    }
    return true;
  }

 private:
  bool gives(std::size_t slot) const { return changes_[layout_.owner(slot)] < 0; }

  void consider(std::size_t first, std::size_t last) {
    const auto length = static_cast<int>(last - first + 1);
    if (-changes_[layout_.owner(first)] < length) return;
    Shift shift{.first = first, .last = last};
    for (auto slot = first; slot <= last; ++slot) shift.load += layout_.load(slot);
    shift.load /= last - first + 1;
    if (first > 0 && gives(first - 1)) ++shift.room;
    if (last + 1 < kSlots && gives(last + 1)) ++shift.room;
    const auto offer = [&](std::uint32_t to) {
      if (changes_[to] < length) return;
      shift.to = to;
      shift.ranges = layout_.added_ranges(first, last, to);
      if (!best_ || shift.better_than(*best_)) best_ = shift;
    };
    if (first > 0) offer(layout_.owner(first - 1));
    if (last + 1 < kSlots) offer(layout_.owner(last + 1));
    offer(neediest_);  // all that hold no neighbour add as many ranges
  }

  Layout& layout_;
  std::vector<int> changes_;
  std::uint32_t neediest_ = 0;
  std::optional<Shift> best_;
};

// A slot that leaves a member that is too full, and perhaps one that comes back for it.
struct Relief {
  std::size_t slot = 0;
  std::optional<std::size_t> back;
  std::uint32_t to = 0;
  double reached = 0;  // the fuller of the two afterwards, but not less than what is tolerated
  double price = 0;    // load that moves, by the load that the member is relieved of
  int moves = 0;       // slots that move
  int ranges = 0;      // that it adds
  double to_fullness = 0;
  bool better_than(const Relief& other) const {
    const auto rank = [](const Relief& relief) {
      return std::tuple(relief.price, relief.reached, relief.moves, relief.ranges,
                        relief.to_fullness);
    };
    return rank(*this) < rank(other);
  }
};

// Takes load from the fullest members. A step makes one of them less full and the other member not
// as full as that one was, so the steps end. Whether there is a step depends only on who owns what
// now, so the next plan keeps what they end with.
class Relieving {
 public:
  Relieving(Layout& layout, const std::vector<std::uint32_t>& least, double limit)
      : layout_(layout), least_(least), limit_(limit) {}

  bool step() {
    const auto most = layout_.most();
    if (most <= limit_) return false;
    std::optional<Relief> first;
    for (std::uint32_t member = 0; member < layout_.size(); ++member) {
      if (layout_.fullness(member) < most) continue;
      const auto relief = best_for(member);
      if (!relief) return false;  // the maximum stays, whatever others do
      if (!first) first = relief;
    }
    const auto from = layout_.owner(first->slot);
    layout_.move(first->slot, first->to);
    if (first->back) layout_.move(*first->back, from);
    return true;
  }

 private:
  std::optional<Relief> best_for(std::uint32_t member) {
    best_.reset();
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      if (layout_.owner(slot) != member || layout_.load(slot) == 0) continue;
      for (std::uint32_t to = 0; to < layout_.size(); ++to) {
        if (to != member) consider(slot, to, std::nullopt);
      }
      for (std::size_t back = 0; back < kSlots; ++back) {
        if (layout_.load(back) < layout_.load(slot) && layout_.owner(back) != member) {
          consider(slot, layout_.owner(back), back);
        }
      }
    }
    return best_;
  }

  void consider(std::size_t slot, std::uint32_t to, std::optional<std::size_t> back) {
    const auto from = layout_.owner(slot);
    const auto net = layout_.load(slot) - (back ? layout_.load(*back) : 0);
    const auto from_fullness = layout_.fullness_with(from, layout_.sum(from) - net);
    const auto to_fullness = layout_.fullness_with(to, layout_.sum(to) + net);
    const auto most = std::max(from_fullness, to_fullness);
    if (most >= layout_.fullness(from)) return;
    // With both few slots and little load, the next plan would fill the member again.
    const auto count = layout_.count(from) - (back ? 0 : 1);
    if (count == 0 || (count < least_[from] && from_fullness < layout_.mean())) return;

    Relief relief{.slot = slot, .back = back, .to = to, .reached = std::max(limit_, most)};
    relief.to_fullness = to_fullness;
    double moved = 0;
    const auto add = [&](std::size_t moving, std::uint32_t new_owner) {
      const auto moves = layout_.added_moves(moving, new_owner);
      relief.moves += moves;
      moved += moves * static_cast<double>(layout_.load(moving));
      relief.ranges += layout_.added_ranges(moving, moving, new_owner);
    };
    add(slot, to);
    if (back) add(*back, from);
    const auto relieved = (layout_.fullness(from) - relief.reached) * layout_.weight(from);
    // In halves: of much the same prices, the one that relieves most needs the fewest slots.
    relief.price = moved <= 0 ? moved : std::round(2 * moved / relieved);
    if (!best_ || relief.better_than(*best_)) best_ = relief;
  }

  Layout& layout_;
  const std::vector<std::uint32_t>& least_;
  double limit_;
  std::optional<Relief> best_;
};

}  // namespace

After assign(std::span<const Member> members, const Before& before, const Loads& loads,
             double tolerance) {
  const bool weighted = std::ranges::all_of(
      members, [](double weight) { return weight > 0 && std::isfinite(weight); }, &Member::weight);
  if (members.empty() || members.size() > kMembersMax || !weighted || !(tolerance >= 0)) {
    std::abort();  // the REQUIRES
  }
  Layout layout(members, before, loads);
  const bool loaded = !all_zero(loads);
  const auto quotas = quotas_of(layout);
  Shifting shifting(layout, changes_of(layout, quotas, loaded));
  while (shifting.step()) continue;
  if (loaded) {
    Relieving relieving(layout, quotas.least, layout.mean() * (1 + tolerance));
    while (relieving.step()) continue;
  }
  return layout.owners();
}

std::size_t moved_slots(const Before& before, const After& after) {
  std::size_t out = 0;
  for (std::size_t slot = 0; slot < kSlots; ++slot) out += before[slot] == after[slot] ? 0 : 1;
  return out;
}

}  // namespace kvmesh::plan
