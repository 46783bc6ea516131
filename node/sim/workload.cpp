#include "node/sim/workload.h"

#include <algorithm>
#include <array>
#include <string>

#include "node/sim/tables.h"

namespace kvmesh::sim {
namespace {

constexpr std::uint64_t kBucketsMax = 20000;
constexpr std::uint64_t kKeys = 6;  // of each bucket: few, so that requests meet

// Of a hundred.
struct Share {
  Operation operation;
  std::uint64_t percent;
};
constexpr std::array<Share, kOperationCount> kShares = {{{Operation::kPut, 40},
                                                         {Operation::kGet, 32},
                                                         {Operation::kCreate, 8},
                                                         {Operation::kErase, 6},
                                                         {Operation::kName, 5},
                                                         {Operation::kCount, 4},
                                                         {Operation::kKeys, 4},
                                                         {Operation::kDrop, 1}}};

Operation choose_operation(Random& random) {
  auto place = random.below(100);
  for (const auto& share : kShares) {
    if (place < share.percent) return share.operation;
    place -= share.percent;
  }
  return Operation::kGet;
}

void add_buckets(Plan& plan, std::uint64_t count, Random& random) {
  auto bytes = Tables{plan}.covered();
  if (bytes.empty()) bytes.push_back('a');
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto byte = random.chance(98) ? bytes[random.index(bytes.size())]
                                        : static_cast<std::uint8_t>(random.below(256));
    plan.buckets.push_back(std::string(1, static_cast<char>(byte)) + std::to_string(i));
  }
}

std::uint32_t choose_timeout(Trouble trouble, Random& random) {
  const auto place = random.below(100);
  if (trouble == Trouble::kNone || place < 70) return 5000;
  if (place < 90) return static_cast<std::uint32_t>(random.between(20, 1500));
  return static_cast<std::uint32_t>(random.between(1, 12));
}

// Pages are smaller than most buckets, so that a scan takes several.
void choose_page(Request& request, Random& random) {
  if (random.chance(80)) request.key = kNextPage;
  request.value = static_cast<std::uint32_t>(random.between(1, 4));
}

std::uint32_t choose_value_bytes(Random& random) {
  return static_cast<std::uint32_t>(random.chance(90) ? 0 : random.between(50, 2000));
}

}  // namespace

void add_workload(Plan& plan, std::uint32_t count, Micros duration, Trouble trouble,
                  Random& random) {
  add_buckets(plan, std::clamp<std::uint64_t>(count / 40, 4, kBucketsMax), random);
  std::vector<bool> created(plan.buckets.size());
  plan.requests.reserve(count);
  while (plan.requests.size() < count) {
    const auto done = static_cast<std::int64_t>(plan.requests.size());
    Request request;
    request.at = duration * done / count;
    request.node = static_cast<NodeIndex>(random.index(plan.nodes.size()));
    request.bucket = static_cast<std::uint32_t>(random.index(plan.buckets.size()));
    for (auto burst = random.between(1, 8); burst > 0 && plan.requests.size() < count; --burst) {
      if (random.chance(25)) {
        request.bucket = static_cast<std::uint32_t>(random.index(plan.buckets.size()));
      }
      request.operation = created[request.bucket] ? choose_operation(random) : Operation::kCreate;
      created[request.bucket] = true;
      request.key = static_cast<std::uint16_t>(random.below(kKeys));
      request.value = static_cast<std::uint32_t>(plan.requests.size());
      request.value_bytes = choose_value_bytes(random);
      if (request.operation == Operation::kKeys) choose_page(request, random);
      request.timeout_ms = choose_timeout(trouble, random);
      plan.requests.push_back(request);
    }
  }
}

}  // namespace kvmesh::sim
