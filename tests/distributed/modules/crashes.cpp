// The module `crashes`: each function ends its node in another way.

#include <kvmesh/plugin.h>

#include <alloca.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>

#include <kvmesh/module.h>

namespace {

volatile int zero = 0, hundred = 100;

std::int64_t null() {
  volatile int* volatile nowhere = nullptr;
  return *nowhere;
}

std::int64_t divide() { return hundred / zero; }

void crash_in_a_thread() { std::thread{null}.join(); }

// Larger than what is left of the stack and than the guard below it; only the far end is written.
std::int64_t large_array(std::int64_t bytes) {
  auto* array = static_cast<volatile char*>(alloca(static_cast<std::size_t>(bytes)));
  array[0] = 1;
  return array[0];
}

struct Fragile {
  std::int64_t touch() { return null(); }
};

kvmesh::Module make() {
  kvmesh::Module module{"crashes"};
  module.define("null", null)
      .define("divide", divide)
      .define("abort", [] { std::abort(); })
      .define("raise_abort", [] { (void)std::raise(SIGABRT); })
      .define("exit", [](std::int64_t status) { std::exit(static_cast<int>(status)); })
      .define("quick_exit", [] { std::quick_exit(0); })
      .define("crash_in_a_thread", crash_in_a_thread)
      .define("large_array", large_array);
  module.server<Fragile>("fragile").call("touch", &Fragile::touch);
  return module;
}

}  // namespace

KVMESH_MODULE(make)
