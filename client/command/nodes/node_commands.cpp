// info, nodes, ping, reload: what concerns nodes.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/command/base/escape.h"
#include "client/command/base/numbers.h"
#include "client/command/base/session.h"
#include "client/command/commands.h"
#include "client/command/nodes/info_text.h"
#include "client/command/nodes/nodes_text.h"
#include "client/command/verify/live_mesh.h"
#include "common/functions.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

using std::chrono::microseconds;

// The nodes of the mesh: the one that says this of itself, those that it knows with their states as
// it tells them, then all others that are found from node to node.
std::vector<MeshNode> nodes_from(const Value& own, const LiveMesh& mesh) {
  std::vector<MeshNode> out;
  std::set<std::string> seen;
  const auto add = [&](const std::string& name, const std::string& state) {
    const auto told = mesh.infos.find(name);
    if (told == mesh.infos.end() || !seen.insert(name).second) return;
    out.push_back({name, state, told->second});
  };
  const auto first = text_at(own, "name");
  out.push_back({first, "connected", own});
  seen.insert(first);
  for (const auto& peer : list_at(own, "peers")) add(text_at(peer, "name"), text_at(peer, "state"));
  for (const auto& via : list_at(own, "vias")) {
    add(text_at(via, "name"), "via " + text_at(via, "via"));
  }
  for (const auto& node : mesh.model.nodes) {
    const auto& knower = mesh.ways.at(node.name.str()).knower;
    add(node.name.str(), knower.empty() ? "found" : "known to " + knower);
  }
  for (const auto& [name, why] : mesh.model.silent) add(name, "silent");
  return out;
}

// Whether the node can store something; else says what is wrong with it.
bool is_sound(const Session& session, const Value& told) {
  const auto failure = journal_failure(told);
  if (!failure) return true;
  session.complain(text_at(told, "name") + " stores nothing any more, as its journal has failed: " +
                   *failure + "; mend the disk and restart the node");
  return false;
}

int info_of_mesh(Session& session, Client& client, const std::string& node) {
  const auto first = client.info(node, session.timeout());
  if (!first) return session.fail(first.status());
  const auto mesh = live_mesh({session.endpoints()}, session.access());
  if (!mesh) return session.fail(mesh.status());
  const auto nodes = nodes_from(*first, *mesh);
  if (session.json()) {
    session.print_json(mesh_json(nodes));
  } else {
    session.print(mesh_table(nodes, color_on_stdout()));
  }
  bool complete = true;
  for (const auto& each : nodes) {
    if (each.info) {
      complete &= is_sound(session, *each.info);
      continue;
    }
    complete = false;
    session.complain(each.name + " did not answer: " + each.info.status().to_string());
  }
  return complete ? kExitOk : kExitIncomplete;
}

int info(Session& session, const std::string& node, bool mesh) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  if (mesh) return info_of_mesh(session, **client, node);
  const auto told = (*client)->info(node, session.timeout());
  if (!told) return session.fail(told.status());
  session.result = *told;
  if (session.json()) {
    session.print_json(*told);
  } else {
    session.print(info_text(*told, color_on_stdout()));
  }
  return is_sound(session, *told) ? kExitOk : kExitIncomplete;
}

int nodes(Session& session, const std::string& node, bool watch) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  if (watch) return watch_nodes(session, **client, node);
  const auto told = (*client)->info(node, session.timeout());
  if (!told) return session.fail(told.status());
  if (session.json()) {
    session.print_json(nodes_json(*told));
  } else {
    session.print(nodes_table(*told, color_on_stdout()));
  }
  return kExitOk;
}

int ping(Session& session, const std::string& node, std::uint64_t count) {
  // The first round trip would measure the connection's beginning too.
  const auto client = session.connected_client();
  if (!client) return session.fail(client.status());
  microseconds shortest = microseconds::max();
  microseconds longest{0};
  microseconds sum{0};
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto took = (*client)->ping(node, session.timeout());
    if (!took) return session.fail(took.status());
    shortest = std::min(shortest, *took);
    longest = std::max(longest, *took);
    sum += *took;
    const std::string whom = node.empty() ? session.where() : node;
    if (session.json()) {
      session.print_json(
          Value::Map{{"node", Bytes{whom}}, {"round_trip_us", std::int64_t{took->count()}}});
    } else {
      session.print_line(escape(whom) + " answered in " + duration_text(*took));
    }
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
  info_command->add_flag(
      "--mesh", shown->mesh,
      "Print one line for each node of the mesh instead: this one, those it knows, and so on");
  info_command->footer(exit_statuses({}, "a node does not answer, or its journal has failed"));
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

namespace {

void add_lines(std::string& out, const Value& report, std::string_view key,
               std::string_view begin) {
  for (const auto& line : list_at(report, key)) {
    const auto* text = line.bytes_or_text();
    if (text != nullptr) out.append(begin).append(printable(*text)).append("\n");
  }
}

std::string report_text(const Value& report) {
  std::string out;
  add_lines(out, report, "changes", "");
  add_lines(out, report, "needs_restart", "warning: ");
  add_lines(out, report, "warnings", "warning: ");
  return list_at(report, "changes").empty() ? out + "nothing has changed\n" : out;
}

int reload(Session& session, const std::string& node) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  const Operation operation{Operation::For::kNode, node, functions::kNodeReload.str(), {}};
  const auto outcome = (*client)->call(operation, session.timeout());
  const auto& status = outcome.status;
  const bool faulty = status.code() == StatusCode::kInvalidArgument;
  if (!status.ok()) return faulty ? session.fail_lines(status) : session.fail(status);
  if (session.json()) {
    session.print_json(outcome.result);
  } else {
    session.print(report_text(outcome.result));
  }
  return kExitOk;
}

}  // namespace

void add_reload_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "reload", "Have a node read its configuration again, and print what has changed");
  auto node = std::make_shared<std::string>();
  command->add_option("NODE", *node, "The node: the connected one, or one that it knows")
      ->required();
  command->callback(
      [&session, node] { session.action = [&session, node] { return reload(session, *node); }; });
}

}  // namespace kvmesh::command
