#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kvmesh::tasks {

/// Numbers that nobody outside can guess, from the system. Aborts when that has none. Not
/// thread-safe.
class SecretNumbers {
 public:
  std::uint64_t next();

 private:
  std::vector<std::uint64_t> numbers_;  // fetched many at a time: each fetch is a system call
};

}  // namespace kvmesh::tasks
