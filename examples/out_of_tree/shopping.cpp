// A small client: one call at a time, many at once, and calls that do not wait.
//
//   shopping [ENDPOINT]          ENDPOINT: any node of the mesh, tcp://127.0.0.1:5550 if not given
#include <chrono>
#include <cstdint>
#include <future>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kvmesh/client.h>

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kBucket = "shopping";

// Each blocking call gives a Status, or a Result that holds a value or a Status. Nothing throws.
bool one_at_a_time(kvmesh::Client& mesh) {
  std::cout << "one call at a time\n";
  if (auto status = mesh.create(kBucket); !status.ok()) {
    std::cerr << status.to_string() << '\n';
    return false;
  }
  const auto status = mesh.put(kBucket, "milk", "1");
  std::cout << "  put milk: " << status.to_string() << '\n';

  const auto milk = mesh.get(kBucket, "milk", 500ms);  // any call may say how long it may take
  if (milk && *milk) std::cout << "  get milk: " << **milk << '\n';

  // A key that is not there is no error: the Result is ok and holds an empty optional.
  const auto bread = mesh.get(kBucket, "bread");
  if (bread && !*bread) std::cout << "  get bread: there is no such key\n";

  // A bucket that is not there is one, and the code says which.
  const auto nothing = mesh.get("no such bucket", "milk");
  std::cout << "  get from no such bucket: " << to_string(nothing.status().code()) << '\n';
  return status.ok();
}

// A batch travels as one message. Its calls have a fate each, and are executed in order for each
// bucket.
bool many_at_once(kvmesh::Client& mesh) {
  std::cout << "many at once\n";
  std::vector<kvmesh::Operation> batch;
  for (const auto* key : {"apples", "bread", "eggs"}) {
    batch.push_back(kvmesh::ops::put(kBucket, key, "6"));
  }
  batch.push_back(kvmesh::ops::get(kBucket, "eggs"));
  const auto outcomes = mesh.call(std::move(batch));

  bool good = true;
  for (const auto& outcome : outcomes) good = good && outcome.status.ok();
  std::cout << "  " << outcomes.size() << " calls, " << (good ? "all well" : "some failed") << '\n';
  if (const auto* eggs = outcomes.back().result.bytes_or_text()) {
    std::cout << "  eggs: " << *eggs << '\n';
  }

  const auto page = mesh.keys(kBucket);
  if (!page) return false;
  std::cout << "  keys:";
  for (const auto& key : page->names) std::cout << ' ' << key;
  std::cout << '\n';
  return good;
}

// A call that does not wait: its outcome comes as a future, or to a callback on the client's own
// thread.
bool without_waiting(kvmesh::Client& mesh) {
  std::cout << "without waiting\n";
  std::future<kvmesh::Outcome> butter =
      mesh.call_async(kvmesh::ops::put(kBucket, "butter", "2"));  // under way ...

  // Shared, so that it lives until the callback has returned.
  auto counted = std::make_shared<std::promise<std::uint64_t>>();
  mesh.call_async(kvmesh::ops::count(kBucket), [counted](const kvmesh::Outcome& outcome) {
    counted->set_value(outcome.result.to_uint().value_or(0));
  });

  const auto put = butter.get();  // ... and here it is waited for
  std::cout << "  put butter: " << put.status.to_string() << '\n';
  std::cout << "  keys now: " << counted->get_future().get() << '\n';
  return put.status.ok();
}

}  // namespace

int main(int argc, char** argv) {
  kvmesh::Client::Options options;
  if (argc > 1) options.endpoints = {argv[1]};
  auto mesh = kvmesh::Client::open(options);
  if (!mesh) {
    std::cerr << mesh.status().to_string() << '\n';
    return 2;
  }
  // Not needed, as calls wait for the connection themselves, but it tells early that nobody is
  // there.
  if (auto status = (*mesh)->wait_connected(); !status.ok()) {
    std::cerr << status.to_string() << '\n';
    return 2;
  }
  const auto owner = (*mesh)->route(kBucket);
  std::cout << "the bucket belongs to " << (owner ? *owner : owner.status().to_string()) << '\n';

  const bool good = one_at_a_time(**mesh) && many_at_once(**mesh) && without_waiting(**mesh);
  const auto dropped = (*mesh)->drop(kBucket);
  std::cout << "drop: " << dropped.to_string() << '\n';
  return good && dropped.ok() ? 0 : 1;
}
