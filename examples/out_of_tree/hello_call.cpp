// Calls the functions of hello_node.cpp on a node, from any other node: the guide's remote spawn,
// with the output at the caller.
//
//   hello_call ENDPOINT NODE     hello_call tcp://127.0.0.1:5551 foo@localhost
#include <cstdint>
#include <iostream>
#include <string>

#include <kvmesh/client.h>
#include <kvmesh/mesh.h>

namespace {

bool call_some(kvmesh::Mesh& mesh, const std::string& node) {
  std::cout << "call hello.world\n";
  const auto printed = mesh.call<void>(node, "hello.world");

  const auto sum = mesh.call<std::int64_t>(node, "hello.add", 1, 2);
  if (sum) std::cout << "hello.add 1 2 is " << *sum << '\n';

  // By the name of a bucket: whichever node the tables lead to.
  const auto owner = mesh.route<std::string>("shopping", "hello.where");
  if (owner) std::cout << "shopping belongs to " << *owner << '\n';
  return printed.ok() && sum.ok() && owner.ok();
}

// A failure is a status with a code and a text; nothing throws here.
void call_what_fails(kvmesh::Mesh& mesh, const std::string& node) {
  std::cout << mesh.call(node, "hello.open", "sesame").status().to_string() << '\n';
  std::cout << mesh.call(node, "hello.add", 1, "two").status().to_string() << '\n';
  const auto unknown = mesh.call(node, "hello.wrld").status();
  std::cout << "hello.wrld: " << to_string(unknown.code()) << '\n';
}

// A process has a pid, and goes on while its starter does something else.
bool spawn_one(kvmesh::Mesh& mesh, const std::string& node) {
  const auto pid = mesh.spawn(node, "hello.ping");
  if (!pid) return false;
  const auto sent = mesh.send(*pid, "ping");
  const auto answer = mesh.receive();
  if (answer) std::cout << "the process answers " << answer->body.to_json() << '\n';
  return sent.ok() && answer.ok() && answer->sender == *pid;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: hello_call ENDPOINT NODE\n";
    return 2;
  }
  std::cout << std::unitbuf;  // in one order with what tasks print, which is not buffered
  kvmesh::Client::Options options;
  options.endpoints = {argv[1]};
  const auto client = kvmesh::Client::open(options);
  if (!client) {
    std::cerr << client.status().to_string() << '\n';
    return 2;
  }
  auto& mesh = (*client)->mesh();
  const bool good = call_some(mesh, argv[2]);
  call_what_fails(mesh, argv[2]);
  return spawn_one(mesh, argv[2]) && good ? 0 : 1;
}
