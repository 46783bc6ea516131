#pragma once

#include <kvmesh/async.h>
#include <kvmesh/status.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kvmesh::command::shell {

/// The tasks that `async` has started, with the names by which they are awaited: task1, task2, ...
/// Those that have not ended are stopped with this. One thread.
class StartedTasks {
 public:
  static constexpr std::size_t kMax = 1000;

  struct Started {
    std::string function;
    Async<Value> handle;
  };

  /// Starts one with `start`, and gives its name. The oldest that has ended makes room for it;
  /// kOverloaded when none of kMax has.
  template <typename Start>
  Result<std::string> add(std::string function, Start&& start) {
    if (Status status = make_room(); !status.ok()) return status;
    const auto number = ++last_;
    all_.emplace(number, Started{std::move(function), start()});
    return "task" + std::to_string(number);
  }
  /// Null when there is none of that name. Valid until the next add().
  Started* find(const std::string& name);
  std::vector<std::string> names() const;

 private:
  Status make_room();

  std::map<std::uint64_t, Started> all_;
  std::uint64_t last_ = 0;
};

}  // namespace kvmesh::command::shell
