#pragma once

#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/bench/histogram.h"

namespace kvmesh::bench {

/// What is told of a distribution.
inline constexpr std::array<std::pair<const char*, double>, 6> kPercentiles = {
    {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"p99.99", 99.99}, {"max", 100}}};

/// The mean and the percentiles, of nanoseconds, in microseconds.
inline nlohmann::ordered_json json_of(const Histogram& latency) {
  nlohmann::ordered_json out;
  out["mean"] = latency.mean() / 1e3;
  for (const auto& [name, percent] : kPercentiles) {
    out[name] = static_cast<double>(latency.percentile(percent)) / 1e3;
  }
  return out;
}

}  // namespace kvmesh::bench
