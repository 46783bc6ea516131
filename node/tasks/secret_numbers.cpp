#include "node/tasks/secret_numbers.h"

#include <sys/random.h>

#include <cstdlib>

namespace kvmesh::tasks {
namespace {

constexpr std::size_t kAtOnce =
    32;  // as many bytes as the system gives in one piece, uninterrupted

}  // namespace

std::uint64_t SecretNumbers::next() {
  if (numbers_.empty()) {
    numbers_.resize(kAtOnce);
    const auto bytes = kAtOnce * sizeof(std::uint64_t);
    if (getrandom(numbers_.data(), bytes, 0) != static_cast<ssize_t>(bytes)) std::abort();
  }
  const auto number = numbers_.back();
  numbers_.pop_back();
  return number;
}

}  // namespace kvmesh::tasks
