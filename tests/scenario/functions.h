#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "node/core/function_registry.h"

namespace kvmesh::scenario {

/// The functions of a node in a story:
///   kv.create, kv.put KEY VALUE, kv.get KEY, kv.delete KEY   a store in a std::map
///   node.name       the node's name
///   test.later      is deferred; the story completes it, or not
///   test.queue      is deferred, and begins when the story says so
///   test.work US    takes that many microseconds
///   test.forget     returns without an answer
class Functions {
 public:
  using Say = std::function<void(const std::string& line)>;
  using Pass = std::function<void(std::chrono::microseconds)>;

  /// Every call is told to `say`; `pass` lets time go by.
  Functions(std::string node, Say say, Pass pass);
  Functions(const Functions&) = delete;
  Functions& operator=(const Functions&) = delete;

  const core::FunctionRegistry& modules() const { return modules_; }

 private:
  void define(const std::string& name, core::Handler handler);
  void define_kv();
  void define_test();

  std::string node_;
  Say say_;
  Pass pass_;
  core::FunctionRegistry modules_;
  std::map<std::string, std::map<std::string, std::string>, std::less<>> buckets_;
};

}  // namespace kvmesh::scenario
