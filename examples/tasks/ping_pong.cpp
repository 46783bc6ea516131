// Processes that send each other messages: between a program and a node, and between two nodes.
//
//   ping_pong serve CONFIG
//   ping_pong ENDPOINT NEAR FAR      the names of two nodes; they may be the same
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>

#include "example.h"

namespace {

using namespace std::chrono_literals;

bool is(const kvmesh::Message& message, const std::string& text) {
  return message.body == kvmesh::Value{text};
}

// Answers every "ping" until a "stop" comes, or nothing for long.
void answer_pings(kvmesh::Task& self) {
  while (const auto message = self.receive(10s)) {
    if (is(*message, "stop")) return;
    if (is(*message, "ping")) (void)self.send(message->sender, "pong");
  }
}

// Sends `count` pings to another process, wherever that is; returns the pongs.
std::int64_t play(kvmesh::Task& self, const kvmesh::Pid& partner, std::int64_t count) {
  std::int64_t pongs = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    if (!self.send(partner, "ping").ok()) break;
    const auto answer = self.receive(5s);
    if (!answer || !is(*answer, "pong")) break;
    ++pongs;
  }
  return pongs;
}

bool ask(kvmesh::Mesh& mesh, char** arguments) {
  const std::string near = arguments[0];
  const std::string far = arguments[1];
  // Linked: it ends when this program does, and its own end comes here as a message.
  const auto pid = mesh.spawn_link(far, "ping_pong.answer");
  if (!pid) {
    std::cerr << pid.status().to_string() << '\n';
    return false;
  }
  for (int i = 1; i <= 3; ++i) {
    if (!mesh.send(*pid, "ping").ok()) return false;
    const auto answer = mesh.receive(5s);
    if (!answer || answer->sender != *pid) return false;
    std::cout << "ping " << i << ": " << answer->body.to_json() << '\n';
  }
  // A pid is a value like others: here a task on another node gets it.
  const auto pongs = mesh.call<std::int64_t>(near, "ping_pong.play", *pid, 1000);
  if (!pongs) {
    std::cerr << pongs.status().to_string() << '\n';
    return false;
  }
  std::cout << "between two tasks: " << *pongs << " pongs\n";

  if (!mesh.send(*pid, "stop").ok()) return false;
  const auto end = mesh.receive(5s);
  if (!end || end->kind != kvmesh::MessageKind::kDown || end->sender != *pid) return false;
  std::cout << "down: " << end->body.to_json() << '\n';
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  kvmesh::Module module{"ping_pong"};
  module.define("answer", answer_pings).define("play", play);
  return example::run(argc, argv, module, 2, ask);
}
