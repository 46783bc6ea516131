// A program that is told which nodes come and go.
//
//   node_events serve CONFIG
//   node_events ENDPOINT NODE      prints every change, until NODE is up
#include <chrono>
#include <iostream>
#include <string>

#include "example.h"

namespace {

using namespace std::chrono_literals;
using kvmesh::MessageKind;

bool ask(kvmesh::Mesh& mesh, char** arguments) {
  const std::string awaited = arguments[0];
  // Of the node at ENDPOINT. How things stand comes first, so that no change can be missed.
  if (const auto status = mesh.watch_nodes(); !status.ok()) {
    std::cerr << status.to_string() << '\n';
    return false;
  }
  while (true) {
    const auto event = mesh.receive(1h);
    if (!event) {
      std::cerr << event.status().to_string() << '\n';
      return false;
    }
    const auto& node = event->sender.node;
    if (event->kind == MessageKind::kNodeUp) {
      std::cout << node << " is up, says " << event->seen_by << '\n';
      if (node == awaited) return true;
    } else if (event->kind == MessageKind::kNodeDown) {
      std::cout << node << " is down: " << *event->body.bytes_or_text() << '\n';
      if (event->seen_by.empty()) return false;  // the watched node itself; nobody tells any more
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return example::run(argc, argv, kvmesh::Module{"node_events"}, 1, ask);
}
