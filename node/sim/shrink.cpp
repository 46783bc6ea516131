#include "node/sim/shrink.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "node/sim/simulation.h"

namespace kvmesh::sim {
namespace {

template <typename T>
std::vector<T> only(const std::vector<T>& all, const std::vector<std::size_t>& kept) {
  std::vector<T> out;
  out.reserve(kept.size());
  for (const auto place : kept) out.push_back(all[place]);
  return out;
}

class Shrinker {
 public:
  Shrinker(Plan plan, std::string_view check, std::size_t runs_max)
      : plan_(std::move(plan)), check_(check), runs_max_(runs_max) {}

  Shrunk shrink() {
    drop_the_rest();
    std::size_t before = 0;
    do {
      before = size();
      reduce(plan_.requests.size(), [this](const auto& kept) {
        auto less = plan_;
        less.requests = only(plan_.requests, kept);
        return less;
      });
      reduce(plan_.faults.size(), [this](const auto& kept) {
        auto less = plan_;
        less.faults = only(plan_.faults, kept);
        return less;
      });
      reduce(plan_.nodes.size(), [this](const auto& kept) {
        std::vector<bool> gone(plan_.nodes.size(), true);
        for (const auto place : kept) gone[place] = false;
        return plan_.without_nodes(gone);
      });
    } while (size() < before && runs_ < runs_max_);
    simplify_network();
    return {plan_.without_unused_buckets(), runs_};
  }

 private:
  using Make = std::function<Plan(const std::vector<std::size_t>& kept)>;

  std::size_t size() const {
    return plan_.requests.size() + plan_.faults.size() + plan_.nodes.size();
  }

  bool accept(Plan candidate) {
    if (runs_ >= runs_max_ || candidate.nodes.empty()) return false;
    ++runs_;
    const auto outcome = run(candidate);
    if (!outcome.violations.any() || outcome.violations.found()[0].check != check_) return false;
    plan_ = std::move(candidate);
    return true;
  }

  // What comes after the fault was found.
  void drop_the_rest() {
    const auto ended = run(plan_).ended;
    auto less = plan_;
    std::erase_if(less.requests, [&](const Request& request) { return request.at > ended; });
    (void)accept(less);
    std::erase_if(less.faults, [&](const Fault& fault) { return fault.at > ended; });
    (void)accept(std::move(less));
  }

  // Leaves out ever smaller parts of `count` items; `make` gives plan_ with those that are kept.
  void reduce(std::size_t count, const Make& make) {
    auto part = count;
    while (count > 0 && part > 0 && runs_ < runs_max_) {
      bool less = false;
      for (std::size_t from = 0; from < count;) {
        std::vector<std::size_t> kept;
        for (std::size_t i = 0; i < count; ++i) {
          if (i < from || i >= from + part) kept.push_back(i);
        }
        if (accept(make(kept))) {
          count = kept.size();
          less = true;
        } else {
          from += part;
        }
      }
      if (part == 1 && !less) return;
      part = std::max<std::size_t>(1, part / 2);
    }
  }

  void simplify_network() {
    auto simple = plan_;
    simple.network.jitter = Micros{0};
    (void)accept(simple);
    simple = plan_;
    simple.network.delay = Micros{1000};
    (void)accept(simple);
    simple = plan_;
    const auto delay = plan_.network.delay;
    simple.network = {};
    simple.network.delay = delay;
    simple.network.jitter = plan_.network.jitter;
    (void)accept(simple);
  }

  Plan plan_;
  std::string_view check_;
  std::size_t runs_max_;
  std::size_t runs_ = 0;
};

}  // namespace

Shrunk shrink(Plan plan, std::string_view check, std::size_t runs_max) {
  return Shrinker{std::move(plan), check, runs_max}.shrink();
}

}  // namespace kvmesh::sim
