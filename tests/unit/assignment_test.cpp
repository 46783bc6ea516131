// Which node is to own which slot: even, by weight and by load, with the least movement.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "client/plan/assignment.h"

namespace kvmesh::plan {
namespace {

// How many slots each of `members` members holds.
std::vector<std::uint32_t> slot_counts(std::size_t members, const After& owners) {
  std::vector<std::uint32_t> out(members);
  for (const auto owner : owners) ++out.at(owner);
  return out;
}

// How many ranges of neighbouring slots with one owner there are.
std::size_t range_count(const After& owners) {
  std::size_t out = 1;
  for (std::size_t slot = 1; slot < kSlots; ++slot) out += owners[slot] == owners[slot - 1] ? 0 : 1;
  return out;
}

// The fullest member's load by weight over the mean, 1 at best. All loads zero: by slots.
double fullness(std::span<const Member> members, const After& owners, const Loads& loads) {
  const bool by_slots = std::ranges::all_of(loads, [](auto load) { return load == 0; });
  std::vector<double> sums(members.size());
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    sums[owners[slot]] += by_slots ? 1 : static_cast<double>(loads[slot]);
  }
  double most = 0;
  double total = 0;
  double weights = 0;
  for (std::size_t member = 0; member < members.size(); ++member) {
    most = std::max(most, sums[member] / members[member].weight);
    total += sums[member];
    weights += members[member].weight;
  }
  return most * weights / total;
}

constexpr double kTolerance = 0.05;
constexpr Loads kNoLoads{};

std::vector<Member> equal(std::size_t members) { return std::vector<Member>(members); }

Before owned(const After& owners) {
  Before out;
  std::ranges::copy(owners, out.begin());
  return out;
}

After plan(std::size_t members, const Before& before) {
  return assign(equal(members), before, kNoLoads, kTolerance);
}

// Members 0 to n-1 after each joined the one before it.
After grown(std::size_t members) {
  After out = plan(1, {});
  for (std::size_t n = 2; n <= members; ++n) out = plan(n, owned(out));
  return out;
}

// The others keep their order, and so their index falls by one when it is above the leaver's.
Before without(const After& owners, std::uint32_t leaver) {
  Before out;
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    if (owners[slot] != leaver) out[slot] = owners[slot] - (owners[slot] > leaver ? 1 : 0);
  }
  return out;
}

// The slots that members must take at least, for counts that differ by at most one: the fullest
// may keep one slot more.
std::size_t least_moves(std::size_t members, const Before& before) {
  std::vector<std::size_t> held(members);
  for (const auto owner : before) {
    if (owner) ++held[*owner];
  }
  std::ranges::sort(held, std::greater{});
  std::size_t out = 0;
  for (std::size_t i = 0; i < members; ++i) {
    const auto quota = kSlots / members + (i < kSlots % members ? 1 : 0);
    out += quota > held[i] ? quota - held[i] : 0;
  }
  return out;
}

void expect_even(std::size_t members, const After& owners) {
  const auto counts = slot_counts(members, owners);
  EXPECT_LE(std::ranges::max(counts) - std::ranges::min(counts), 1U);
}

Loads random_loads(std::mt19937& random, std::uint64_t most) {
  Loads out;
  for (auto& load : out) load = random() % (most + 1);
  return out;
}

Before random_owners(std::mt19937& random, std::size_t members) {
  Before out;
  for (auto& owner : out) {
    const auto drawn = random() % (members + 1);
    if (drawn < members) owner = static_cast<std::uint32_t>(drawn);
  }
  return out;
}

TEST(Assignment, JoinMovesTheNewMembersQuotaAndNothingElse) {
  auto owners = plan(1, {});
  for (std::uint32_t n = 1; n <= 33; ++n) {
    SCOPED_TRACE(n);
    expect_even(n, owners);
    const auto joined = plan(n + 1, owned(owners));
    expect_even(n + 1, joined);
    EXPECT_EQ(moved_slots(owned(owners), joined), kSlots / (n + 1));
    EXPECT_EQ(least_moves(n + 1, owned(owners)), kSlots / (n + 1));
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      EXPECT_TRUE(joined[slot] == owners[slot] || joined[slot] == n);
    }
    owners = joined;
  }
}

TEST(Assignment, LeaveMovesOnlyWhatTheLeaverHeld) {
  for (std::uint32_t n = 2; n <= 33; ++n) {
    const auto owners = grown(n);
    for (std::uint32_t leaver = 0; leaver < n; ++leaver) {
      SCOPED_TRACE(testing::Message() << leaver << " of " << n);
      const auto before = without(owners, leaver);
      const auto after = plan(n - 1, before);
      expect_even(n - 1, after);
      EXPECT_EQ(moved_slots(before, after), slot_counts(n, owners)[leaver]);
    }
  }
}

TEST(Assignment, AnyStateBecomesEvenWithTheFewestMoves) {
  std::mt19937 random(1);
  for (std::uint32_t n = 1; n <= 33; ++n) {
    SCOPED_TRACE(n);
    const auto before = random_owners(random, n);
    const auto after = plan(n, before);
    expect_even(n, after);
    EXPECT_EQ(moved_slots(before, after), least_moves(n, before));
    EXPECT_EQ(plan(n, owned(after)), after);
  }
}

TEST(Assignment, JoinThenLeaveRestoresTheCounts) {
  for (std::uint32_t n = 1; n <= 33; ++n) {
    SCOPED_TRACE(n);
    const auto owners = grown(n);
    const auto joined = plan(n + 1, owned(owners));
    const auto left = plan(n, without(joined, n));
    EXPECT_EQ(slot_counts(n, left), slot_counts(n, owners));
  }
}

TEST(Assignment, PlanThatStoppedHalfWayGoesOn) {
  const auto owners = grown(8);
  const auto whole = plan(9, owned(owners));
  auto half = owners;
  for (std::size_t slot = 0, moved = 0; slot < kSlots && moved < 10; ++slot) {
    if (whole[slot] == owners[slot]) continue;
    half[slot] = whole[slot];
    ++moved;
  }
  EXPECT_EQ(moved_slots(owned(half), plan(9, owned(half))), 28U - 10U);
  Loads loads;
  loads.fill(1000);
  const auto rest = assign(equal(9), owned(half), loads, kTolerance);
  expect_even(9, rest);
  EXPECT_EQ(moved_slots(owned(half), rest), 28U - 10U);
}

TEST(Assignment, WeightsShareTheSlots) {
  const std::vector<Member> members{{1}, {2}, {5}};
  const std::vector<std::uint32_t> quotas{32, 64, 160};
  EXPECT_EQ(slot_counts(3, assign(members, {}, kNoLoads, kTolerance)), quotas);
  const auto before = owned(grown(3));  // 86, 85, 85
  const auto after = assign(members, before, kNoLoads, kTolerance);
  EXPECT_EQ(slot_counts(3, after), quotas);
  EXPECT_EQ(moved_slots(before, after), 160U - 85U);
  EXPECT_EQ(assign(members, owned(after), kNoLoads, kTolerance), after);
  EXPECT_DOUBLE_EQ(fullness(members, after, kNoLoads), 1);
  // 73.14, 73.14, 109.71
  EXPECT_EQ(slot_counts(3, assign(std::vector<Member>{{2}, {2}, {3}}, {}, kNoLoads, kTolerance)),
            (std::vector<std::uint32_t>{73, 73, 110}));
}

TEST(Assignment, EachMemberGetsASlot) {
  for (const std::size_t n : {2U, 100U, 255U, 256U}) {
    for (const double weight : {1e-300, 0.01, 1.0, 1e300, std::numeric_limits<double>::max()}) {
      auto members = equal(n);
      members.back().weight = weight;
      for (const bool loaded : {false, true}) {
        Loads loads{};
        if (loaded) std::iota(loads.begin(), loads.end(), 1U);
        const auto after = assign(members, {}, loads, kTolerance);
        EXPECT_GE(std::ranges::min(slot_counts(n, after)), 1U) << n << " " << weight;
        EXPECT_EQ(assign(members, owned(after), loads, kTolerance), after) << n << " " << weight;
      }
    }
  }
}

TEST(Assignment, NeighboursStayTogether) {
  EXPECT_EQ(range_count(plan(16, {})), 16U);
  // The new member takes one range between two members each.
  EXPECT_EQ(range_count(plan(5, owned(plan(4, {})))), 6U);
  // What a member leaves behind between two others is split there.
  EXPECT_EQ(range_count(plan(2, without(plan(3, {}), 1))), 2U);
  // Far below the 1024 ranges of a table, even for a mesh that grew one by one.
  EXPECT_LE(range_count(grown(33)), 120U);
}

TEST(Assignment, LightSlotsMoveFirst) {
  // The owners alternate, so that it makes no difference to ranges which slot moves.
  After owners;
  Loads loads;
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    owners[slot] = slot % 2;
    loads[slot] = 1000;
  }
  loads[101] = 990;
  auto before = owned(owners);
  before[50] = 1;  // 127 and 129
  const auto after = assign(equal(2), before, loads, kTolerance);
  EXPECT_EQ(moved_slots(before, after), 1U);
  EXPECT_EQ(after[101], 0U);
}

TEST(Assignment, LoadsStayWithinToleranceAndPlansStay) {
  std::mt19937 random(2);
  for (const std::uint32_t n : {1U, 2U, 3U, 5U, 8U, 16U, 33U, 64U}) {
    for (int round = 0; round < 10; ++round) {
      SCOPED_TRACE(testing::Message() << n << " round " << round);
      const auto loads = random_loads(random, 1000);
      const auto before = plan(n, {});
      const auto after = assign(equal(n), owned(before), loads, kTolerance);
      EXPECT_LE(fullness(equal(n), after, loads), 1 + kTolerance + 1e-9);
      EXPECT_EQ(assign(equal(n), owned(after), loads, kTolerance), after);
      if (fullness(equal(n), before, loads) <= 1 + kTolerance) {
        EXPECT_EQ(after, before);
      }
    }
  }
}

TEST(Assignment, PlansOfAnythingStay) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    const auto n = 1 + random() % 40;
    SCOPED_TRACE(testing::Message() << n << " round " << round);
    auto members = equal(n);
    for (auto& member : members) member.weight = 1 + static_cast<double>(random() % 5);
    auto loads = random_loads(random, 1000);
    // Some rounds have mostly empty slots, some a few very heavy ones.
    if (round % 3 == 1) {
      for (auto& load : loads) load = random() % 8 == 0 ? load : 0;
    } else if (round % 3 == 2) {
      for (auto& load : loads) load = load * load * load;
    }
    const double tolerance = round % 2 == 0 ? kTolerance : 0;
    const auto after = assign(members, random_owners(random, n), loads, tolerance);
    EXPECT_GE(std::ranges::min(slot_counts(n, after)), 1U);
    EXPECT_EQ(assign(members, owned(after), loads, tolerance), after);
  }
}

TEST(Assignment, SlotWithHalfOfAllLoad) {
  for (std::uint32_t n = 1; n <= 33; ++n) {
    for (const std::size_t heavy : {0U, 77U, 255U}) {
      SCOPED_TRACE(testing::Message() << n << " slot " << heavy);
      Loads loads;
      loads.fill(10);
      loads[heavy] = 10 * (kSlots - 1);
      const auto before = plan(n, {});
      const auto after = assign(equal(n), owned(before), loads, kTolerance);
      EXPECT_LE(fullness(equal(n), after, loads), fullness(equal(n), before, loads));
      // Its owner keeps that slot alone, or is within tolerance: the best there is.
      EXPECT_LE(fullness(equal(n), after, loads), std::max(1 + kTolerance, n / 2.0) + 1e-9);
      EXPECT_EQ(after[heavy], before[heavy]);
      EXPECT_EQ(assign(equal(n), owned(after), loads, kTolerance), after);
    }
  }
}

TEST(Assignment, SwapsWhereNoMoveHelps) {
  // 5 + 4 against 4 + 3; all other slots are empty.
  Loads loads{};
  loads[0] = 5;
  loads[1] = loads[128] = 4;
  loads[129] = 3;
  const auto before = owned(plan(2, {}));
  const auto after = assign(equal(2), before, loads, 0);
  EXPECT_DOUBLE_EQ(fullness(equal(2), after, loads), 1);
  EXPECT_EQ(moved_slots(before, after), 2U);
}

TEST(Assignment, TakesTheLargestLoads) {
  Loads loads;
  loads.fill(std::numeric_limits<std::uint64_t>::max());
  const auto after = assign(equal(3), {}, loads, kTolerance);
  expect_even(3, after);
  EXPECT_EQ(assign(equal(3), owned(after), loads, kTolerance), after);
}

TEST(Assignment, CountsMovesAndRanges) {
  After owners{};
  owners[10] = 1;
  EXPECT_EQ(slot_counts(3, owners), (std::vector<std::uint32_t>{255, 1, 0}));
  EXPECT_EQ(range_count(owners), 3U);
  auto before = owned(owners);
  EXPECT_EQ(moved_slots(before, owners), 0U);
  before[0] = std::nullopt;
  before[1] = 1;
  EXPECT_EQ(moved_slots(before, owners), 2U);
  Loads loads{};
  loads[10] = 30;
  loads[11] = 10;
  EXPECT_DOUBLE_EQ(fullness(equal(2), owners, loads), 1.5);
  EXPECT_DOUBLE_EQ(fullness(std::vector<Member>{{1}, {3}}, owners, loads), 1);
}

TEST(AssignmentDeathTest, RequiresMembersAndOwnersAmongThem) {
  EXPECT_DEATH(plan(0, {}), "");
  EXPECT_DEATH(plan(257, {}), "");
  EXPECT_DEATH(assign(std::vector<Member>{{0}}, {}, kNoLoads, kTolerance), "");
  EXPECT_DEATH(plan(2, owned(grown(3))), "");
}

}  // namespace
}  // namespace kvmesh::plan
