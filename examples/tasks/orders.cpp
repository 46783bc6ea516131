// Structs and enums as arguments and results: an order goes to a node, and a bill comes back.
//
//   orders serve CONFIG
//   orders ENDPOINT NODE
#include <cstdint>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "example.h"

namespace {

struct Item {
  std::string name;
  std::int64_t count = 1;
  std::int64_t cents = 0;
};
// Next to the type, in its namespace: what its members are called in calls.
constexpr auto kvmesh_describe(kvmesh::Type<Item>) {
  return kvmesh::members("name", &Item::name, "count", &Item::count, "cents", &Item::cents);
}

enum class Shipping { kPost, kCourier };
constexpr auto kvmesh_describe(kvmesh::Type<Shipping>) {
  return kvmesh::names("post", Shipping::kPost, "courier", Shipping::kCourier);
}

struct Order {
  std::vector<Item> items;
  Shipping shipping = Shipping::kPost;
  std::optional<std::string> note;  // the only one that callers may leave out
};
constexpr auto kvmesh_describe(kvmesh::Type<Order>) {
  return kvmesh::members("items", &Order::items, "shipping", &Order::shipping, "note",
                         &Order::note);
}

struct Bill {
  std::int64_t cents = 0;
  std::string text;
};
constexpr auto kvmesh_describe(kvmesh::Type<Bill>) {
  return kvmesh::members("cents", &Bill::cents, "text", &Bill::text);
}

// What runs on the node: plain C++.
Bill bill(const Order& order) {
  Bill out;
  for (const auto& item : order.items) {
    if (item.count < 1) throw std::invalid_argument{"how many of " + item.name + "?"};
    out.cents += item.count * item.cents;
    out.text += std::to_string(item.count) + " " + item.name + ", ";
  }
  out.cents += order.shipping == Shipping::kCourier ? 900 : 300;
  out.text += order.shipping == Shipping::kCourier ? "by courier" : "by post";
  if (order.note) out.text += " (" + *order.note + ")";
  return out;
}

bool ask(kvmesh::Mesh& mesh, char** arguments) {
  const std::string node = arguments[0];
  Order order;
  order.items = {{"milk", 2, 99}, {"bread", 1, 350}};
  order.shipping = Shipping::kCourier;
  const auto answer = mesh.call<Bill>(node, "orders.bill", order);
  if (!answer) {
    std::cerr << answer.status().to_string() << '\n';
    return false;
  }
  std::cout << answer->text << ": " << answer->cents << " cents\n";

  // What does not fit is refused before the function begins, and the place is named.
  const kvmesh::Value wrong =
      kvmesh::Value::Map{{"items", kvmesh::Value::List{}}, {"shipping", "pigeon"}};
  const auto refused = mesh.call<Bill>(node, "orders.bill", wrong).status();
  std::cout << refused.to_string() << '\n';
  return refused.code() == kvmesh::StatusCode::kInvalidArgument;
}

}  // namespace

int main(int argc, char** argv) {
  kvmesh::Module module{"orders"};
  module.define("bill", "What an order costs.", bill);
  return example::run(argc, argv, module, 1, ask);
}
