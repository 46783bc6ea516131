#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/deadline.h"

namespace kvmesh::mesh {

/// Finds nodes that run under one name at the same time: connections of one name and different
/// incarnations, of which the older goes on to say something. That of a node which was started anew
/// says nothing more, but nobody tells when it has ended. Pure; not thread-safe.
class Twins {
 public:
  /// After a newer HELLO, an older connection may still be heard of for as long as this.
  static constexpr std::chrono::seconds kEndTakes{5};
  /// Between two findings of one name.
  static constexpr std::chrono::minutes kTold{10};

  /// A HELLO of the node `name`, at `address`. Without a name it says nothing. All that tell no
  /// incarnation (0) have the same one.
  void greeted(std::string_view name, std::uint64_t incarnation, std::string_view address,
               TimePoint now);
  /// A later sign of life. The address of a newer node of that name, when it is to be told that
  /// there are two.
  std::optional<std::string> heard(std::string_view name, std::uint64_t incarnation, TimePoint now);

 private:
  struct Newest {
    std::uint64_t incarnation = 0;
    std::string address;
    TimePoint since;
    std::optional<TimePoint> told;
  };
  std::map<std::string, Newest, std::less<>> newest_;
};

}  // namespace kvmesh::mesh
