#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/store/engine.h"

namespace kvmesh::store {

// Picks one page out of names that come in any order and holds no more than the page meanwhile (a
// heap). `Name` is std::string_view when the names stay where they are until finish(), else
// std::string. Not thread-safe.
template <typename Name>
class PageBuilder {
 public:
  PageBuilder(std::optional<std::string_view> after, std::size_t items_max, std::size_t bytes_max)
      : after_(after), items_max_(items_max), bytes_max_(bytes_max) {}

  // REQUIRES: no name is offered twice.
  void offer(std::string_view name) {
    if ((after_ && name <= *after_) || (more_ && name > first_beyond_)) return;
    names_.emplace_back(name);
    std::push_heap(names_.begin(), names_.end());
    bytes_ += name.size();
    while (names_.size() > items_max_ || (bytes_ > bytes_max_ && names_.size() > 1))
      drop_greatest();
  }

  Page finish() && {
    std::sort_heap(names_.begin(), names_.end());
    Page page;
    page.names.assign(std::make_move_iterator(names_.begin()),
                      std::make_move_iterator(names_.end()));
    page.more = more_;
    return page;
  }

 private:
  void drop_greatest() {
    std::pop_heap(names_.begin(), names_.end());
    bytes_ -= names_.back().size();
    first_beyond_ = std::move(names_.back());
    more_ = true;
    names_.pop_back();
  }

  std::optional<std::string_view> after_;
  std::size_t items_max_;
  std::size_t bytes_max_;
  std::vector<Name> names_;
  std::size_t bytes_ = 0;
  // The least name that had no room, if any: a page has no gaps, so nothing behind it gets in.
  bool more_ = false;
  Name first_beyond_;
};

}  // namespace kvmesh::store
