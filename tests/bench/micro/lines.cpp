// The line protocol: splitting, parsing, and the text of a reply.
#include <string>

#include "node/line/command.h"
#include "node/stream/line_splitter.h"
#include "tests/bench/micro/measure.h"
#include "tests/bench/micro/two_nodes.h"

namespace kvmesh::bench {
namespace {

constexpr std::string_view kPut = "PUT b0000001 k000000000000001 16-bytes-of-text\r\n";

// Time and allocations are for each line.
void line_split(benchmark::State& state) {
  const auto lines = static_cast<int>(state.range(0));
  std::string piece;
  for (int i = 0; i < lines; ++i) piece += kPut;
  stream::LineSplitter splitter{limits::kLineBytesMax};
  std::string_view rest;
  measure(state, [&] {
    if (rest.empty()) rest = piece;
    std::size_t taken = 0;
    benchmark::DoNotOptimize(splitter.next(rest, taken));
    rest.remove_prefix(taken);
  });
}
BENCHMARK(line_split)->Arg(1)->Arg(16);

void line_parse(benchmark::State& state) {
  std::array<ArgumentView, 2> words;
  measure(state, [&] {
    auto line = kPut.substr(0, kPut.size() - 2);
    benchmark::DoNotOptimize(line);
    const auto command = line::parse_command(line);
    benchmark::DoNotOptimize(line::to_request(command, words));
  });
}
BENCHMARK(line_parse);

void two_nodes(benchmark::State& state, std::string_view line) {
  TwoNodes nodes;
  (void)nodes.ask("CREATE b0000001\r\n");
  (void)nodes.ask(kPut);
  measure(state, [&] { benchmark::DoNotOptimize(nodes.ask(line)); });
}
BENCHMARK_CAPTURE(two_nodes, get, "GET b0000001 k000000000000001\r\n");
BENCHMARK_CAPTURE(two_nodes, put, kPut);

}  // namespace
}  // namespace kvmesh::bench
