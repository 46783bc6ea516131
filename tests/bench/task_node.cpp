// The node that the cases about tasks measure: its module `bench` does next to nothing, so that
// what is measured is the mesh.
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>

#include <kvmesh/module.h>
#include <kvmesh/node.h>

#include "tests/bench/servers.h"

namespace kvmesh::bench {
namespace {

using namespace std::chrono_literals;

// A process that waits, as long as the node lets it.
void wait(Task& self) { (void)self.receive(1h); }

// Sends every message back until it is stopped.
void echo(Task& self) {
  while (const auto message = self.receive(10s)) {
    if (!self.send(message->sender, message->body).ok()) return;
  }
}

// Plays `count` round trips with a process of its own on `node`; returns how long they took, in
// microseconds.
std::int64_t ping_pong(Task& self, const std::string& node, std::int64_t count) {
  const auto partner = self.spawn_link(node, "bench.echo");
  if (!partner) throw std::runtime_error{partner.status().to_string()};
  auto began = std::chrono::steady_clock::now();
  for (std::int64_t i = -1; i < count; ++i) {
    if (i == 0) began = std::chrono::steady_clock::now();  // the first trip finds the way
    if (const auto sent = self.send(*partner, i); !sent.ok()) {
      throw std::runtime_error{sent.to_string()};
    }
    const auto answer = self.receive(5s);
    if (!answer) throw std::runtime_error{answer.status().to_string()};
    if (answer->body != to_value(i) || answer->sender != *partner) {
      throw std::runtime_error{"a wrong answer: " + answer->body.to_json()};
    }
  }
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                               began)
      .count();
}

}  // namespace

Status serve_node(const std::string& config) {
  Module module{"bench"};
  module.define("empty", [] {})
      .define("five", [] { return 5; })  // these two to see that the generator looks at answers
      .define("print", [](Task& self) { self.print("five"); })
      .define("wait", wait)
      .define("echo", echo)
      .define("ping_pong", ping_pong);
  Node::Options options;
  options.config_files = {config};
  auto node = Node::start(options);
  if (!node) return node.status();
  if (auto status = (*node)->load(module); !status.ok()) return status;
  return (*node)->run();
}

}  // namespace kvmesh::bench
