// A node of the mesh inside a program of your own, and a client in the same program that talks to
// it.
//
//   embedded [PEER ENDPOINT]     store the buckets a..m here and pass all others on to the node
//   named PEER
//                                (foo@localhost), which listens at ENDPOINT; without them, store
//                                all here
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <kvmesh/client.h>
#include <kvmesh/node.h>

namespace {

using namespace std::chrono_literals;

// What would stand in a configuration file. Port 0 is any free one: nobody needs to know these
// ports.
std::vector<std::string> settings(const std::string& peer, const std::string& endpoint) {
  std::vector<std::string> out = {
      "name=inside@localhost",
      R"(apps=["kv"])",
      "mesh.listen=tcp://127.0.0.1:0",
      "log.level=warning",
  };
  if (peer.empty()) {
    out.emplace_back(R"(kv.routing_table=[{ range = "*", node = "inside@localhost" }])");
  } else {
    out.push_back("mesh.peers." + peer + "=" + endpoint);
    out.push_back(R"(kv.routing_table=[{ range = "a..m", node = "inside@localhost" },)"
                  R"({ range = "*", node = ")" +
                  peer + R"(" }])");
  }
  return out;
}

// A request for a peer that is not connected yet ends as kUnavailable at once, so wait until it is.
bool reaches(kvmesh::Client& mesh, const std::string& peer) {
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  auto answer = mesh.ping(peer);
  while (!answer && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(20ms);
    answer = mesh.ping(peer);
  }
  if (!answer) std::cerr << peer << ": " << answer.status().to_string() << '\n';
  return answer.ok();
}

bool use(kvmesh::Client& mesh) {
  bool good = true;
  for (const std::string bucket : {"apples", "pears"}) {
    const auto created = mesh.create(bucket);
    const auto put = mesh.put(bucket, "kilos", "3");
    const auto kilos = mesh.get(bucket, "kilos");
    const auto owner = mesh.route(bucket);
    if (!created.ok() || !put.ok() || !kilos || !*kilos || !owner) {
      std::cerr << bucket << ": " << created.to_string() << ", " << put.to_string() << ", "
                << kilos.status().to_string() << ", " << owner.status().to_string() << '\n';
      good = false;
      continue;
    }
    std::cout << bucket << ": " << **kilos << " kilos, stored on " << *owner << '\n';
    good = mesh.drop(bucket).ok() && good;
  }
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 || argc > 3) {
    std::cerr << "usage: embedded [PEER ENDPOINT]\n";
    return 2;
  }
  const std::string peer = argc > 1 ? argv[1] : "";
  kvmesh::Node::Options options;
  options.assignments = settings(peer, argc > 2 ? argv[2] : "");
  options.use_environment = false;
  options.handle_signals = false;  // this program decides when the node stops
  auto node = kvmesh::Node::start(options);
  if (!node) {
    std::cerr << node.status().text() << '\n';
    return 2;
  }

  // run() serves until stop(); nothing but the node runs on this thread.
  kvmesh::Status served;
  std::thread serving{[&] { served = (*node)->run(); }};

  bool good = false;
  {
    kvmesh::Client::Options to_node;
    to_node.endpoints = {(*node)->mesh_endpoint()};
    auto mesh = kvmesh::Client::open(to_node);
    good = mesh && reaches(**mesh, peer) && use(**mesh);  // an empty name is the node itself
  }
  (*node)->stop();
  serving.join();
  std::cout << "the node ended: " << served.to_string() << '\n';
  return good && served.ok() ? 0 : 1;
}
