// Tasks that run while their caller does something else: started by async, awaited later, each
// with a fate of its own.
//
//   async_await serve CONFIG
//   async_await ENDPOINT NODE
#include <chrono>
#include <cstdint>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "example.h"

namespace {

using namespace std::chrono_literals;

std::int64_t square(kvmesh::Task& self, std::int64_t number) {
  self.sleep_for(100ms);  // without keeping a thread, unlike std::this_thread::sleep_for()
  if (number < 0) throw std::invalid_argument{"only from 0 on, not " + std::to_string(number)};
  self.print("squared " + std::to_string(number));
  return number * number;
}

// Works until it is told to stop, as a task that computes for long should.
std::int64_t work(kvmesh::Task& self) {
  std::int64_t rounds = 0;
  while (self.sleep_for(10ms)) ++rounds;
  return rounds;
}

// All at once: five take as long as one.
bool await_all(kvmesh::Mesh& mesh, const std::string& node) {
  // Collected, so that they do not mix with what this program prints.
  kvmesh::CallOptions quiet;
  quiet.output = kvmesh::output_to([](const kvmesh::OutputChunk&) {});
  std::vector<kvmesh::Async<std::int64_t>> tasks;
  for (const std::int64_t number : {1, 2, -3, 4, 5}) {
    tasks.push_back(mesh.async<std::int64_t>(quiet, node, "work.square", number));
  }
  int good = 0;
  for (auto& task : tasks) {
    const auto result = task.await(10s);
    good += result.ok() ? 1 : 0;
    std::cout << (result ? std::to_string(*result) : result.status().to_string()) << '\n';
  }
  return good == 4;
}

bool stop_some(kvmesh::Mesh& mesh, const std::string& node) {
  auto cancelled = mesh.async<std::int64_t>(node, "work.until_stopped");
  cancelled.cancel();
  const auto first = cancelled.await(10s).status().code();
  std::cout << "cancelled by us: " << to_string(first) << '\n';

  // An await that comes to its end ends the task too.
  auto late = mesh.async<std::int64_t>(node, "work.until_stopped");
  const auto second = late.await(50ms).status().code();
  std::cout << "not done in time: " << to_string(second) << '\n';
  return first == kvmesh::StatusCode::kCancelled && second == kvmesh::StatusCode::kDeadlineExceeded;
}

}  // namespace

int main(int argc, char** argv) {
  kvmesh::Module module{"work"};
  module.define("square", square).define("until_stopped", work);
  return example::run(argc, argv, module, 1, [](kvmesh::Mesh& mesh, char** arguments) {
    const auto seven = mesh.async<std::int64_t>(arguments[0], "work.square", 7).await(10s);
    return seven.ok() && await_all(mesh, arguments[0]) && stop_some(mesh, arguments[0]);
  });
}
