// The look-up of a bucket's route, and the table of what is in flight.
#include <vector>

#include "common/in_flight.h"
#include "node/core/routes.h"
#include "tests/bench/micro/measure.h"

namespace kvmesh::bench {
namespace {

core::Routes routes_with(int entries) {
  const auto self = *NodeName::parse("gate@h");
  const auto peer = *NodeName::parse("store@h");
  std::vector<RouteEntry> table;
  for (int i = 0; i < entries - 1; ++i) {
    const auto byte = static_cast<std::uint8_t>(i);
    table.push_back({ByteRange{byte, byte}, peer});
  }
  table.push_back({ByteRange{}, peer});
  return *core::Routes::make(self, {peer}, RoutingTable{std::move(table)});
}

void routing_lookup(benchmark::State& state) {
  const auto routes = routes_with(static_cast<int>(state.range(0)));
  const Target target{Target::Kind::kBucket, "shopping"};
  measure(state, [&] { benchmark::DoNotOptimize(routes.find(target)); });
}
BENCHMARK(routing_lookup)->Arg(1)->Arg(256);

struct Asker {
  std::uint64_t words[7] = {};  // about what the core keeps of a request
};

void in_flight_add_take(benchmark::State& state) {
  const TimePoint now{};
  InFlight<Asker> table{1, limits::kInFlightMax, now};
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    (void)table.add(0, 100, now + std::chrono::seconds{5}, {});
  }
  measure(state, [&] {
    const auto id = table.add(0, 100, now + std::chrono::seconds{5}, {});
    benchmark::DoNotOptimize(table.take(*id));
  });
}
BENCHMARK(in_flight_add_take)->Arg(0)->Arg(10000);

}  // namespace
}  // namespace kvmesh::bench
