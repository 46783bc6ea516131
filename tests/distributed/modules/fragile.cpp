// The server `fragile` for the tests: once it was told to break it cannot be started any more; its
// cast keeps it from stopping for so long.

#include <kvmesh/plugin.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include <kvmesh/module.h>

namespace {

std::atomic<bool> broken{false};

class Fragile {
 public:
  Fragile() {
    if (broken) throw std::runtime_error{"its file is gone"};
  }
  void break_it() { broken = true; }
  // Looks at no stop token.
  void compute(std::int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds{ms}); }
};

kvmesh::Module make() {
  kvmesh::Module module{"fragility"};
  module.server<Fragile>("fragile")
      .call("break_it", &Fragile::break_it)
      .cast("compute", &Fragile::compute)
      .max_restarts(1)
      .period(std::chrono::seconds{10});
  return module;
}

}  // namespace

KVMESH_MODULE(make)
