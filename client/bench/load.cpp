#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include <unistd.h>
#include <nlohmann/json.hpp>

#include "client/bench/load_options.h"
#include "client/bench/percentiles.h"
#include "client/bench/protocols.h"
#include "client/command/base/numbers.h"

namespace kvmesh::bench {
namespace {

constexpr std::uint64_t kKeysMax = std::uint64_t{1}
                                   << 32U;  // values hold 8 digits of a key's number

double seconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e9; }

double rate_of(const Measured& measured) {
  const auto elapsed = std::max(seconds(measured.elapsed), 1e-9);
  return static_cast<double>(measured.operations) / elapsed;
}

std::string micros(std::uint64_t nanos) {
  const auto value = static_cast<double>(nanos) / 1e3;
  return command::decimal(value, value < 100 ? 1 : 0) + " us";
}

// On a terminal only; a line end would leave a mark in logs.
class ProgressLine {
 public:
  ProgressLine() : active_(isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const Runner::Progress& progress) {
    if (!active_) return;
    const auto since = std::exchange(last_, progress);
    const bool same = since.phase == progress.phase;
    const auto done = progress.operations - (same ? since.operations : 0);
    const auto time = progress.elapsed - (same ? since.elapsed : std::chrono::nanoseconds{0});
    const auto rate =
        static_cast<std::uint64_t>(static_cast<double>(done) / std::max(seconds(time), 1e-9));
    std::fprintf(stderr, "\r%.*s  %s s  %s/s  p50 %s  p99 %s\x1b[K",
                 static_cast<int>(progress.phase.size()), progress.phase.data(),
                 command::decimal(seconds(progress.elapsed), 1).c_str(),
                 command::grouped(rate).c_str(), micros(progress.latency->percentile(50)).c_str(),
                 micros(progress.latency->percentile(99)).c_str());
    drawn_ = true;
  }
  void clear() {
    if (drawn_) std::fputs("\r\x1b[K", stderr);
    drawn_ = false;
  }

 private:
  bool active_;
  bool drawn_ = false;
  Runner::Progress last_;
};

using Failures = std::map<StatusCode, std::uint64_t>;

std::string text_of(const Failures& failures) {
  std::string out;
  for (const auto& [code, count] : failures) {
    out += (out.empty() ? "" : ", ") + std::string{to_string(code)} + " " + command::grouped(count);
  }
  return out;
}

nlohmann::ordered_json json_of(const Failures& failures) {
  auto out = nlohmann::ordered_json::object();
  for (const auto& [code, count] : failures) out[std::string{to_string(code)}] = count;
  return out;
}

std::uint64_t sum_of(const Failures& failures) {
  std::uint64_t sum = 0;
  for (const auto& [code, count] : failures) sum += count;
  return sum;
}

void print_text(const LoadOptions& options, const Measured& measured) {
  std::printf("%s, %u connections, depth %u%s\n", options.protocol.c_str(), options.connections,
              options.pace.depth, options.pace.rate ? ", open loop" : "");
  std::printf("%s requests in %.3f s, %sanswered and right: %s/s\n",
              command::grouped(measured.operations).c_str(), seconds(measured.elapsed),
              measured.failed.empty() ? "all " : "",
              command::grouped(static_cast<std::uint64_t>(rate_of(measured))).c_str());
  if (!measured.failed.empty()) std::printf("failed: %s\n", text_of(measured.failed).c_str());
  if (!measured.load_failed.empty()) {
    std::printf("failed before, while buckets and keys were made: %s\n",
                text_of(measured.load_failed).c_str());
  }
  if (measured.missing > 0) {
    std::printf("ended early: %s replies are missing, and none came within the --patience\n",
                command::grouped(measured.missing).c_str());
  }
  std::printf("latency: mean %s",
              micros(static_cast<std::uint64_t>(measured.latency.mean())).c_str());
  for (const auto& [name, percent] : kPercentiles) {
    std::printf(", %s %s", name, micros(measured.latency.percentile(percent)).c_str());
  }
  std::printf("\nthis load generator used %.0f %% of one processor\n",
              100 * measured.processor_seconds / std::max(seconds(measured.elapsed), 1e-9));
}

void print_json(const LoadOptions& options, const Measured& measured) {
  const nlohmann::ordered_json out = {
      {"protocol", options.protocol},
      {"connections", options.connections},
      {"depth", options.pace.depth},
      {"writes", options.workload.writes},
      {"buckets", options.workload.buckets},
      {"keys", options.workload.keys},
      {"value_bytes", options.workload.value_bytes},
      {"seed", options.workload.seed},
      {"requests", measured.operations},
      {"failed", json_of(measured.failed)},
      {"load_failed", json_of(measured.load_failed)},
      {"missing", measured.missing},
      {"seconds", seconds(measured.elapsed)},
      {"per_second", rate_of(measured)},
      {"missing_keys", measured.missing_keys},
      {"values_compared", measured.checked},
      {"latency_us", json_of(measured.latency)},
      {"generator_processors",
       measured.processor_seconds / std::max(seconds(measured.elapsed), 1e-9)}};
  std::printf("%s\n", out.dump().c_str());
}

// Every connection is a descriptor, in the native protocol several.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

namespace {

// What was measured is printed, but for the buckets.
Result<std::uint64_t> measure(Runner& runner, const LoadOptions& options, ProgressLine& line) {
  const bool keep_going = options.pace.keep_going;
  if (auto status = runner.create(keep_going); !status.ok()) return status;
  if (options.load && stores_values(options.protocol)) {
    if (auto status = runner.load(keep_going); !status.ok()) return status;
  }
  const auto measured = runner.run(options.pace);
  line.clear();
  if (!measured) return measured.status();
  if (measured->operations == 0 && measured->failed.empty() && measured->load_failed.empty()) {
    return Status{StatusCode::kInvalidArgument, "no reply came in the time; measure longer"};
  }
  options.json ? print_json(options, *measured) : print_text(options, *measured);
  return sum_of(measured->failed) + sum_of(measured->load_failed);
}

}  // namespace

Result<std::uint64_t> run_load(const LoadOptions& options) {
  if (options.workload.keys > kKeysMax / options.workload.buckets) {
    return Status{StatusCode::kInvalidArgument,
                  "buckets times keys is more than the limit of " + std::to_string(kKeysMax)};
  }
  if (options.workload.applied > options.workload.keys) {
    return Status{StatusCode::kInvalidArgument, "an apply has more keys than a bucket"};
  }
  if (options.workload.applied > 0 && options.protocol != "native") {
    return Status{StatusCode::kInvalidArgument, "only the protocol native has apply here"};
  }
  raise_descriptor_limit();
  zmq::context_t context;
  auto made = make_channels(context, options);
  if (!made) return made.status();
  ProgressLine line;
  auto workload = options.workload;
  workload.calls = makes_calls(options.protocol);
  Runner runner{*std::move(made), Workload{workload},
                [&line](const Runner::Progress& progress) { line.show(progress); }};
  if (auto status = runner.open(); !status.ok()) return status;
  auto failed = measure(runner, options, line);
  if (!failed || !options.drop) return failed;
  auto dropped = runner.drop();
  line.clear();
  return dropped.ok() ? failed : Result<std::uint64_t>{std::move(dropped)};
}

}  // namespace kvmesh::bench
