#include <iostream>

#include <kvmesh/client.h>

int main() {
  auto mesh = kvmesh::Client::open({.endpoints = {"tcp://127.0.0.1:5552"}});
  if (!mesh) return 2;
  auto status = (*mesh)->create("greetings");
  if (status.ok()) status = (*mesh)->put("greetings", "world", "hello");
  auto value = (*mesh)->get("greetings", "world");
  if (status.ok()) status = value.status();
  if (!status.ok()) {
    std::cerr << status.to_string() << '\n';
    return 1;
  }
  std::cout << value->value_or("(nothing)") << '\n';
}
