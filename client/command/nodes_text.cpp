#include "client/command/nodes_text.h"

#include <cstdint>
#include <optional>
#include <vector>

#include "client/command/info_text.h"
#include "client/command/json_lines.h"
#include "client/command/number_text.h"
#include "client/command/table.h"
#include "client/command/tsv.h"

namespace kvmesh::command {
namespace {

struct KnownNode {
  std::string name;
  std::string address;  // of a peer
  std::string via;      // of any other: the peer that leads to it
  std::string state;
  std::string why;
  std::optional<std::uint64_t> in_flight;  // of a peer
};

std::vector<KnownNode> known_nodes(const Value& info) {
  std::vector<KnownNode> out;
  const auto& peers = list_at(info, "peers");
  for (const auto& peer : peers) {
    out.push_back({text_at(peer, "name"),
                   text_at(peer, "address"),
                   {},
                   text_at(peer, "state"),
                   text_at(peer, "why"),
                   number_at(peer, "in_flight")});
  }
  for (const auto& via : list_at(info, "vias")) {
    KnownNode node;
    node.name = text_at(via, "name");
    node.via = text_at(via, "via");
    for (const auto& peer : peers) {
      if (text_at(peer, "name") != node.via) continue;
      node.state = text_at(peer, "state");
      node.why = text_at(peer, "why");
    }
    out.push_back(std::move(node));
  }
  return out;
}

}  // namespace

std::string nodes_table(const Value& info, bool color) {
  Table rows({{"node"}, {"address"}, {"state"}, {"in flight", Table::Align::kRight}, {"why"}});
  for (const auto& node : known_nodes(info)) {
    rows.add(
        {escape(node.name), node.via.empty() ? escape(node.address) : "via " + escape(node.via),
         escape(node.state), node.in_flight ? grouped(*node.in_flight) : "", escape(node.why)});
  }
  return rows.to_string(color);
}

std::string nodes_json(const Value& info) {
  std::string out = "[";
  for (const auto& node : known_nodes(info)) {
    if (out.size() > 1) out += ",";
    out += "{\"node\":" + bytes_as_json(node.name);
    if (node.in_flight) {
      out += ",\"address\":" + bytes_as_json(node.address);
    } else {
      out += ",\"via\":" + bytes_as_json(node.via);
    }
    out += ",\"state\":" + bytes_as_json(node.state);
    if (node.in_flight) out += ",\"in_flight\":" + std::to_string(*node.in_flight);
    out += ",\"why\":" + bytes_as_json(node.why) + "}";
  }
  return out + "]";
}

}  // namespace kvmesh::command
