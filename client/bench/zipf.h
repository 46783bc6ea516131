#pragma once

#include <cstdint>

#include "client/bench/random.h"

namespace kvmesh::bench {

/// Draws ranks 0..items-1 where rank r comes up in proportion to 1 / (r + 1)^exponent, in constant
/// time and memory: rejection-inversion, W. Hörmann and G. Derflinger, "Rejection-inversion to
/// generate variates from monotone discrete distributions", ACM TOMACS 6 (1996). Immutable.
class Zipf {
 public:
  /// REQUIRES: items > 0, exponent > 0.
  Zipf(std::uint64_t items, double exponent);

  std::uint64_t draw(Random& random) const;

 private:
  double area(double x) const;          // the integral of the density, H in the paper
  double inverse_area(double y) const;  // its inverse
  double density(double x) const;       // h

  double items_;
  double exponent_;
  double area_first_;
  double area_last_;
  double sure_;  // this close to a whole number no test is needed, s in the paper
};

}  // namespace kvmesh::bench
