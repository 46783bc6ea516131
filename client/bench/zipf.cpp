#include "client/bench/zipf.h"

#include <algorithm>
#include <cmath>

namespace kvmesh::bench {
namespace {

// log1p(x) / x and expm1(x) / x, also where x is next to 0: an exponent of 1 is no special case
// then.
double log1p_over(double x) { return std::abs(x) > 1e-8 ? std::log1p(x) / x : 1 - x / 2; }
double expm1_over(double x) { return std::abs(x) > 1e-8 ? std::expm1(x) / x : 1 + x / 2; }

}  // namespace

Zipf::Zipf(std::uint64_t items, double exponent)
    : items_(static_cast<double>(items)),
      exponent_(exponent),
      area_first_(area(1.5) - 1),
      area_last_(area(items_ + 0.5)),
      sure_(2 - inverse_area(area(2.5) - density(2))) {}

double Zipf::density(double x) const { return std::exp(-exponent_ * std::log(x)); }

double Zipf::area(double x) const {
  const double log_x = std::log(x);
  return expm1_over((1 - exponent_) * log_x) * log_x;
}

double Zipf::inverse_area(double y) const {
  const double t = std::max(-1.0, y * (1 - exponent_));  // rounding may pass the edge
  return std::exp(log1p_over(t) * y);
}

std::uint64_t Zipf::draw(Random& random) const {
  while (true) {
    const double u = area_last_ + random.unit() * (area_first_ - area_last_);
    const double x = inverse_area(u);
    const double k = std::clamp(std::round(x), 1.0, items_);
    if (k - x <= sure_ || u >= area(k + 0.5) - density(k)) return static_cast<std::uint64_t>(k) - 1;
  }
}

}  // namespace kvmesh::bench
