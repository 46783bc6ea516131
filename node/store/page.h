#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmesh::store {

/// One page of names in ascending byte order.
struct Page {
  std::vector<std::string> names;
  bool more = false;  // names after the last one exist

  friend bool operator==(const Page&, const Page&) = default;
};

/// Which page: the first names greater than `after` (from the very first, when there is no
/// `after`): as many as there are, up to `items_max` and up to `bytes_max` bytes of names together,
/// but at least one when there is one.
struct PageLimits {
  std::optional<std::string_view> after{};
  std::size_t items_max = 0;  // REQUIRES: not 0
  std::size_t bytes_max = 0;
};

/// Which names somebody may know of. Must stay of use for as long as it is kept.
using NameFilter = std::function<bool(std::string_view name)>;

/// A page that is picked out of names which come in any order; it holds no more than the page
/// meanwhile (a heap). Where the engine is with it, is its own affair: `position`, 0 at first.
/// Not thread-safe.
class Listing {
 public:
  /// `visible` says which names may be in it; empty: all.
  explicit Listing(const PageLimits& limits, NameFilter visible = {})
      : after_(limits.after),
        items_max_(limits.items_max),
        bytes_max_(limits.bytes_max),
        visible_(std::move(visible)) {}

  // REQUIRES: no name is offered twice.
  void offer(std::string_view name) {
    if ((after_ && name <= *after_) || (more_ && name > first_beyond_)) return;
    if (visible_ && !visible_(name)) return;
    names_.emplace_back(name);
    std::push_heap(names_.begin(), names_.end());
    bytes_ += name.size();
    while (names_.size() > items_max_ || (bytes_ > bytes_max_ && names_.size() > 1))
      drop_greatest();
  }

  Page finish() && {
    std::sort_heap(names_.begin(), names_.end());
    return {std::move(names_), more_};
  }

  std::uint64_t position = 0;

 private:
  void drop_greatest() {
    std::pop_heap(names_.begin(), names_.end());
    bytes_ -= names_.back().size();
    first_beyond_ = std::move(names_.back());
    more_ = true;
    names_.pop_back();
  }

  std::optional<std::string> after_;
  std::size_t items_max_;
  std::size_t bytes_max_;
  NameFilter visible_;
  std::vector<std::string> names_;
  std::size_t bytes_ = 0;
  // The least name that had no room, if any: a page has no gaps, so nothing after it gets in.
  bool more_ = false;
  std::string first_beyond_;
};

}  // namespace kvmesh::store
