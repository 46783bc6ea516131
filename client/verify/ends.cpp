#include "client/verify/ends.h"

#include <algorithm>

#include <kvmesh/limits.h>

namespace kvmesh::verify {
namespace {

// Each node passes a request on to at most one other, so every way ends at one node or on one
// circle. This finds for each node which, and how far it is, looking at each node once.
class Walk {
 public:
  explicit Walk(std::span<const Step> steps) : steps_(steps), states_(steps.size()) {
    for (std::uint32_t start = 0; start < steps_.size(); ++start) follow(start);
  }

  Ending ending(std::uint32_t start) const {
    const State& state = states_[start];
    // A node refuses to pass a request on when it has done so before, and else when it was passed
    // on kHopsMax times already. So the circle is noticed one round after its first node.
    const auto hops = state.distance + state.circle;
    if (hops > limits::kHopsMax) return {End::kTooManyHops, state.place, limits::kHopsMax};
    return {state.end, state.place, hops};
  }

 private:
  enum class Mark : std::uint8_t { kNew, kOnTrail, kDone };
  struct State {
    Mark mark = Mark::kNew;
    End end = End::kNoEntry;
    std::uint32_t place = 0;
    std::uint32_t distance = 0;  // to the end, or to the circle
    std::uint32_t circle = 0;    // its length; 0: there is none
  };

  void follow(std::uint32_t at) {
    trail_.clear();
    while (states_[at].mark == Mark::kNew && passes_to_known(at)) {
      states_[at].mark = Mark::kOnTrail;
      trail_.push_back(at);
      at = steps_[at].place;
    }
    if (states_[at].mark == Mark::kNew) {
      finish_here(at);
    } else if (states_[at].mark == Mark::kOnTrail) {
      finish_circle(at);
    }
    const State* next = &states_[at];
    for (auto node = trail_.rbegin(); node != trail_.rend(); ++node) {
      State& state = states_[*node];
      if (state.mark == Mark::kDone) continue;  // on the circle
      state = *next;
      ++state.distance;
      next = &state;
    }
  }

  bool passes_to_known(std::uint32_t at) const {
    return steps_[at].passes_on && steps_[at].place < steps_.size();
  }

  void finish_here(std::uint32_t at) {
    const Step& step = steps_[at];
    states_[at] = step.passes_on ? State{Mark::kDone, End::kUndescribed, step.place, 1, 0}
                                 : State{Mark::kDone, step.end, at, 0, 0};
  }

  void finish_circle(std::uint32_t at) {
    const auto first = std::ranges::find(trail_, at);
    const auto length = static_cast<std::uint32_t>(trail_.end() - first);
    const auto lowest = *std::min_element(first, trail_.end());
    std::for_each(first, trail_.end(), [&](std::uint32_t node) {
      states_[node] = {Mark::kDone, End::kLoop, lowest, 0, length};
    });
  }

  std::span<const Step> steps_;
  std::vector<State> states_;
  std::vector<std::uint32_t> trail_;
};

}  // namespace

std::vector<Ending> endings(std::span<const Step> steps) {
  const Walk walk{steps};
  std::vector<Ending> out;
  out.reserve(steps.size());
  for (std::uint32_t i = 0; i < steps.size(); ++i) out.push_back(walk.ending(i));
  return out;
}

std::vector<std::uint32_t> way_from(std::span<const Step> steps, std::uint32_t start) {
  std::vector<std::uint32_t> out{start};
  while (out.back() < steps.size() && steps[out.back()].passes_on &&
         out.size() <= limits::kHopsMax) {
    const auto next = steps[out.back()].place;
    const bool again = std::ranges::find(out, next) != out.end();
    out.push_back(next);
    if (again) break;
  }
  return out;
}

std::vector<std::uint32_t> circle_of(std::span<const Step> steps, std::uint32_t start) {
  std::vector<std::uint32_t> out{start};
  do {
    out.push_back(steps[out.back()].place);
  } while (out.back() != start);
  return out;
}

}  // namespace kvmesh::verify
