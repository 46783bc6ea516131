// A node of your own: the settings of a file, and functions that the whole mesh can call. It serves
// until SIGTERM or Ctrl-C.
//
//   hello_node CONFIG
#include <chrono>
#include <cstdint>
#include <iostream>
#include <stdexcept>
#include <string>

#include <kvmesh/module.h>
#include <kvmesh/node.h>

namespace {

using namespace std::chrono_literals;

kvmesh::Module hello() {
  kvmesh::Module module{"hello"};
  // What a task prints appears at whoever called it, not here.
  module.define("world", [](kvmesh::Task& self) { self.print("hello world"); });
  // Arguments and result convert by type; a caller who gives others is told so.
  module.define("add", [](std::int64_t a, std::int64_t b) { return a + b; });
  module.define("where", [](kvmesh::Task& self) { return self.self().node; });
  // Waits for one message and answers it: a process.
  module.define("ping", [](kvmesh::Task& self) {
    const auto message = self.receive(60s);
    if (message) (void)self.send(message->sender, "pong");
  });
  // To a caller an exception is an answer like others; no other task notices.
  module.define("open", [](const std::string& door) {
    throw std::runtime_error{"there is no door " + door};
  });
  return module;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: hello_node CONFIG\n";
    return 2;
  }
  kvmesh::Node::Options options;
  options.config_files = {argv[1]};
  auto node = kvmesh::Node::start(options);
  auto status = node ? (*node)->load(hello()) : node.status();
  if (status.ok()) status = (*node)->run();
  if (!status.ok()) std::cerr << status.text() << '\n';
  return status.ok() ? 0 : 2;
}
