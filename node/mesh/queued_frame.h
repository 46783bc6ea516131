#pragma once

#include <cstddef>

namespace kvmesh::mesh {

/// What a frame takes in a queue beside its bytes: its place, what its buffer has to spare, and
/// what the allocator needs. Without it frames of a few bytes would make any bound many times too
/// large.
inline constexpr std::size_t kQueuedFrameBytes = 320;

}  // namespace kvmesh::mesh
