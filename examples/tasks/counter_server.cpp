// A named server: state that one process keeps, and that its node makes anew when it crashes.
//
//   counter_server serve CONFIG
//   counter_server ENDPOINT NODE
#include <chrono>
#include <cstdint>
#include <iostream>
#include <stdexcept>
#include <string>

#include "example.h"

namespace {

using namespace std::chrono_literals;

// Its functions are called one after the other, so it needs no lock.
class Counter {
 public:
  std::int64_t add(std::int64_t number) {
    if (number < 0) throw std::out_of_range{"cannot count down"};
    return value_ += number;
  }
  // Answers "no" to its caller; the server and its state stay.
  kvmesh::Result<std::int64_t> take(std::int64_t number) {
    if (number > value_) {
      return kvmesh::Status{kvmesh::StatusCode::kInvalidArgument,
                            "there are only " + std::to_string(value_)};
    }
    return value_ -= number;
  }
  std::int64_t value() const { return value_; }
  void reset() { value_ = 0; }

 private:
  std::int64_t value_ = 0;
};

void show(const std::string& what, const kvmesh::Result<std::int64_t>& answer) {
  std::cout << what << ": " << (answer ? std::to_string(*answer) : answer.status().to_string())
            << '\n';
}

bool ask(kvmesh::Mesh& mesh, char** arguments) {
  const kvmesh::ServerName counter{"counter", arguments[0]};
  const auto add = [&](std::int64_t number) {
    return mesh.server_call<std::int64_t>(counter, "add", number);
  };
  show("add 1", add(1));
  show("add 2", add(2));
  const auto reset = mesh.server_cast(counter, "reset");  // nobody waits for its end ...
  show("after the reset",
       mesh.server_call<std::int64_t>(counter, "value"));  // ... but for its turn
  show("add 5", add(5));

  show("take 9", mesh.server_call<std::int64_t>(counter, "take", 9));
  show("take 2", mesh.server_call<std::int64_t>(counter, "take", 2));

  // A crash: this caller is told, the next one finds a fresh counter.
  show("add -1", add(-1));
  show("after the restart", mesh.server_call<std::int64_t>(counter, "value"));
  show("add -1 again", add(-1));
  // The second restart in ten seconds was not allowed any more.
  const auto refused = add(1).status().code();
  std::cout << "then it is given up: " << to_string(refused) << '\n';
  return reset.ok() && refused == kvmesh::StatusCode::kUnavailable;
}

}  // namespace

int main(int argc, char** argv) {
  kvmesh::Module module{"counting"};
  module.server<Counter>("counter")
      .call("add", &Counter::add)
      .call("take", "Takes off, unless that is more than there is.", &Counter::take)
      .call("value", &Counter::value)
      .cast("reset", &Counter::reset)
      .max_restarts(1)
      .period(10s);
  return example::run(argc, argv, module, 1, ask);
}
