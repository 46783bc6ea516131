#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace kvmesh::plan {

inline constexpr std::size_t kSlots = 256;
/// Each member gets a slot.
inline constexpr std::size_t kMembersMax = kSlots;

/// A node that is to own slots. Members are named by their index.
struct Member {
  double weight = 1;  // above 0 and finite; only the proportion to other weights counts
};

/// The member that owns each slot now; nullopt for a slot whose owner is no member, or that has
/// none.
using Before = std::array<std::optional<std::uint32_t>, kSlots>;
/// The member that is to own each slot.
using After = std::array<std::uint32_t, kSlots>;
/// What a slot costs its owner: buckets, keys or bytes. All zero: slots count alike.
using Loads = std::array<std::uint64_t, kSlots>;

/// Who is to own each slot, with the least movement.
///
/// Without loads each member gets its quota: its share of the slots by weight, rounded by largest
/// remainder, at least one. Of equal remainders the member that holds more over its share goes
/// first, then the smaller index. So the number of moved slots is the least that reaches quotas.
///
/// With loads a member may hold fewer slots than its share when they carry its share of the load.
/// Then slots leave the fullest member until it is at most `tolerance` fuller than the mean, or
/// until no move of one slot and no swap of two makes it less full.
///
/// Neighbouring slots stay together where the choice is free; after that, light slots move first.
/// Deterministic, and a plan of its own result changes nothing.
/// REQUIRES: 1 to kMembersMax members, owners below their number, a tolerance of 0 or more.
After assign(std::span<const Member> members, const Before& before, const Loads& loads,
             double tolerance);

/// How many slots change their owner; one that had none counts.
std::size_t moved_slots(const Before& before, const After& after);

}  // namespace kvmesh::plan
