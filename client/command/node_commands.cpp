// info, nodes, ping: what concerns nodes.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/command/commands.h"
#include "client/command/duration_text.h"
#include "client/command/exit_status.h"
#include "client/command/info_text.h"
#include "client/command/json_lines.h"
#include "client/command/nodes_text.h"
#include "client/command/nodes_watch.h"
#include "client/command/number_options.h"
#include "client/command/tsv.h"

namespace kvmesh::command {
namespace {

using std::chrono::microseconds;

int info_of_mesh(Session& session, Client& client, const std::string& node) {
  auto own = client.info(node, session.timeout());
  if (!own) return session.fail(own.status());
  std::vector<MeshNode> nodes;
  const Value::List peers = list_at(*own, "peers");
  const Value::List vias = list_at(*own, "vias");
  nodes.push_back({text_at(*own, "name"), "connected", *std::move(own)});
  // The connected node passes these requests on, so it must know the way to each of them too.
  const auto ask = [&](std::string name, std::string state) {
    auto told = client.info(name, session.timeout());
    nodes.push_back({std::move(name), std::move(state), std::move(told)});
  };
  for (const auto& peer : peers) ask(text_at(peer, "name"), text_at(peer, "state"));
  for (const auto& via : vias) ask(text_at(via, "name"), "via " + text_at(via, "via"));
  if (session.json()) {
    session.print_line(mesh_json(nodes));
  } else {
    session.print(mesh_table(nodes, color_on_stdout()));
  }
  return kExitOk;
}

int info(Session& session, const std::string& node, bool mesh) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  if (mesh) return info_of_mesh(session, **client, node);
  const auto told = (*client)->info(node, session.timeout());
  if (!told) return session.fail(told.status());
  if (session.json()) {
    session.print_line(told->to_json());
  } else {
    session.print(info_text(*told, color_on_stdout()));
  }
  return kExitOk;
}

int nodes(Session& session, const std::string& node, bool watch) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  if (watch) return watch_nodes(session, **client, node);
  const auto told = (*client)->info(node, session.timeout());
  if (!told) return session.fail(told.status());
  if (session.json()) {
    session.print_line(nodes_json(*told));
  } else {
    session.print(nodes_table(*told, color_on_stdout()));
  }
  return kExitOk;
}

int ping(Session& session, const std::string& node, std::uint64_t count) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  // The first round trip would measure the connection's beginning too.
  if (Status up = (*client)->wait_connected(session.timeout()); !up.ok()) return session.fail(up);
  microseconds shortest = microseconds::max();
  microseconds longest{0};
  microseconds sum{0};
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto took = (*client)->ping(node, session.timeout());
    if (!took) return session.fail(took.status());
    shortest = std::min(shortest, *took);
    longest = std::max(longest, *took);
    sum += *took;
    const std::string number = std::to_string(took->count());
    const std::string whom = node.empty() ? session.options.endpoint : node;
    session.print_line(session.json() ? "{\"node\":" + bytes_as_json(whom) +
                                            ",\"round_trip_us\":" + number + "}"
                                      : escape(whom) + " answered in " + duration_text(*took));
  }
  if (count > 1 && !session.json()) {
    session.print_line(std::to_string(count) + " answers: shortest " + duration_text(shortest) +
                       ", average " + duration_text(sum / static_cast<std::int64_t>(count)) +
                       ", longest " + duration_text(longest));
  }
  return kExitOk;
}

struct NodeArguments {
  std::string node;
  bool mesh = false;
  bool watch = false;
  std::uint64_t count = 1;
};

}  // namespace

void add_node_commands(CLI::App& app, Session& session) {
  auto* info_command = app.add_subcommand("info", "Print what a node says of itself");
  auto shown = std::make_shared<NodeArguments>();
  info_command->add_option("NODE", shown->node, kWhichNode);
  info_command->add_flag("--mesh", shown->mesh,
                         "Print one line for the node and each that it knows instead");
  info_command->callback([&session, shown] {
    session.action = [&session, shown] { return info(session, shown->node, shown->mesh); };
  });

  auto* nodes_command =
      app.add_subcommand("nodes", "Print the nodes that a node knows, and the state of its links");
  auto listed = std::make_shared<NodeArguments>();
  nodes_command->add_option("NODE", listed->node, kWhichNode);
  nodes_command->add_flag("--watch", listed->watch,
                          "Print a line for each of its peers, and then for each that comes or "
                          "goes, until interrupted");
  nodes_command->callback([&session, listed] {
    session.action = [&session, listed] { return nodes(session, listed->node, listed->watch); };
  });

  auto* ping_command = app.add_subcommand("ping", "Print how long an empty call takes");
  auto pinged = std::make_shared<NodeArguments>();
  ping_command->add_option("NODE", pinged->node, kWhichNode);
  ping_command->add_option("--count", pinged->count, "Call so many times, one after the other")
      ->type_name("N")
      ->check(whole_number(1, 1'000'000'000));
  ping_command->callback([&session, pinged] {
    session.action = [&session, pinged] { return ping(session, pinged->node, pinged->count); };
  });
}

}  // namespace kvmesh::command
