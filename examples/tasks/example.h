#pragma once

#include <functional>
#include <iostream>
#include <string>

#include <kvmesh/client.h>
#include <kvmesh/mesh.h>
#include <kvmesh/module.h>
#include <kvmesh/node.h>

/// What the examples of this folder share: each is a node, or a program that asks such nodes.
///
///     NAME serve CONFIG            a node with the example's module, until a signal ends it
///     NAME ENDPOINT ARGUMENTS...   a client of the node at ENDPOINT
namespace example {

inline int serve(const std::string& config, const kvmesh::Module& module) {
  kvmesh::Node::Options options;
  options.config_files = {config};
  auto node = kvmesh::Node::start(options);
  auto status = node ? (*node)->load(module) : node.status();
  if (status.ok()) status = (*node)->run();
  if (!status.ok()) std::cerr << status.text() << '\n';
  return status.ok() ? 0 : 2;
}

/// `ask` gets the mesh and the arguments after ENDPOINT, of which there must be `count`, and says
/// whether all went well.
inline int run(int argc, char** argv, const kvmesh::Module& module, int count,
               const std::function<bool(kvmesh::Mesh&, char** arguments)>& ask) {
  const std::string first = argc > 1 ? argv[1] : "";
  if (first == "serve" && argc == 3) return serve(argv[2], module);
  if (first == "serve" || argc != 2 + count) {
    std::cerr << "usage: see the first lines of the example's source\n";
    return 2;
  }
  std::cout << std::unitbuf;  // in one order with what tasks print, which is not buffered
  kvmesh::Client::Options options;
  options.endpoints = {first};
  const auto client = kvmesh::Client::open(options);
  if (!client) {
    std::cerr << client.status().to_string() << '\n';
    return 2;
  }
  return ask((*client)->mesh(), argv + 2) ? 0 : 1;
}

}  // namespace example
