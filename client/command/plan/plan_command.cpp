// plan: tables that divide the names of a mesh over nodes, with the least movement.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/command/backup/files.h"
#include "client/command/base/interrupts.h"
#include "client/command/base/program.h"
#include "client/command/commands.h"
#include "client/command/nodes/info_text.h"
#include "client/command/plan/plan_text.h"
#include "client/command/plan/stored.h"
#include "client/command/verify/live_mesh.h"
#include "client/command/verify/texts.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

struct PlanArguments {
  std::string live;                // endpoints, as endpoint_list() reads them; empty: of --node
  std::vector<std::string> nodes;  // NODE or NODE=WEIGHT; empty: all that store
  std::vector<std::string> remove;
  std::string by;
  std::string tolerance = "5%";
  std::string write;  // a folder
};

Status invalid(std::string text) { return {StatusCode::kInvalidArgument, std::move(text)}; }

Result<double> parse_tolerance(const std::string& text) {
  const auto number = text.substr(0, text.find('%'));
  const auto fault =
      number + "%" != text ? std::string{"no percent"} : decimal_fault(number, 0, 1000);
  if (fault.empty()) return std::stod(number) / 100;
  return invalid("--tolerance " + in_quotes(text) + " is none; write for example 5%");
}

Result<plan::Candidate> parse_candidate(const std::string& text) {
  const auto equals = text.rfind('=');
  plan::Candidate out{text.substr(0, equals), 1};
  if (equals == std::string::npos) return out;
  const auto weight = text.substr(equals + 1);
  if (!decimal_fault(weight, 0.001, 1000000).empty()) {
    return invalid("the weight in " + in_quotes(text) +
                   " is none; write NODE=WEIGHT with a number from 0.001 to 1000000");
  }
  out.weight = std::stod(weight);
  return out;
}

// Who is to store: those that are named, or all that store now, without those that are to go.
Result<std::vector<plan::Candidate>> candidates_of(const PlanArguments& arguments,
                                                   const verify::MeshModel& mesh) {
  std::vector<plan::Candidate> out;
  for (const auto& text : arguments.nodes) {
    auto candidate = parse_candidate(text);
    if (!candidate) return candidate.status();
    if (std::ranges::find(out, candidate->node, &plan::Candidate::node) != out.end()) {
      return invalid("--nodes names " + in_quotes(candidate->node) + " twice");
    }
    out.push_back(*std::move(candidate));
  }
  if (arguments.nodes.empty()) {
    for (const auto& node : mesh.nodes) {
      if (node.stores) out.push_back({node.name.str(), 1});
    }
  }
  for (const auto& name : arguments.remove) {
    if (std::erase_if(out, [&](const auto& one) { return one.node == name; }) == 0) {
      return invalid("--remove names " + in_quotes(name) +
                     ", which is none of the nodes that store");
    }
  }
  if (out.empty()) return invalid("no node is left to store anything; name some with --nodes");
  if (out.size() > plan::kMembersMax) {
    return invalid("a plan is for at most " + std::to_string(plan::kMembersMax) +
                   " nodes, as there are so many hashes");
  }
  // The order in which they are named does not matter.
  std::ranges::sort(out, {}, &plan::Candidate::node);
  return out;
}

plan::Loads loads_of(const Stored& stored, const std::string& by) {
  plan::Loads out{};
  for (const auto& [node, amounts] : stored.of_nodes) {
    for (std::size_t slot = 0; slot < plan::kSlots; ++slot) {
      const auto& amount = amounts[slot];
      if (by == "buckets") out[slot] += amount.buckets;
      if (by == "keys") out[slot] += amount.keys;
      if (by == "bytes") out[slot] += amount.bytes;
    }
  }
  return out;
}

// A file for each node, none written over.
Status write_tables(const std::string& folder, const verify::MeshModel& mesh) {
  if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) return file_fault("make", folder);
  for (const auto& node : mesh.nodes) {
    const auto path = path_in(folder, node.name.str() + ".toml");
    const OwnedFile file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)};
    if (!file.is_open()) return file_fault("make", path);
    if (auto status = write_all(file.get(), table_toml(node.table), path); !status.ok()) {
      return status;
    }
  }
  return {};
}

// A mesh of which all is known, and in which all is well: else nobody can say what moves, and what
// is carried over could meet other copies.
Result<verify::Report> sound_report(const LiveMesh& mesh) {
  if (!mesh.model.silent.empty()) {
    const auto& [name, why] = *mesh.model.silent.begin();
    return Status{StatusCode::kUnavailable,
                  name + " does not answer, and a plan needs all tables: " + why};
  }
  auto report = verify::verify(mesh.model);
  if (report && !report->sound()) {
    return invalid("the mesh is " + verdict_text(*report) + ": " + faults_text(*report) +
                   "; mend that first (kvmesh verify --live)");
  }
  for (const auto& [name, info] : mesh.infos) {
    const auto strays = strays_of(*info);
    if (strays.value_or(0) == 0) continue;
    return invalid(name + " holds " + verify::counted(*strays, "bucket", "buckets") +
                   " that its table gives to others; carry over or drop them first, as kvmesh "
                   "verify --live says");
  }
  return report;
}

int run_plan(Session& session, const PlanArguments& arguments) {
  const auto tolerance = parse_tolerance(arguments.tolerance);
  if (!tolerance) return session.end_with(kExitUsage, tolerance.status());
  Session asked;  // of the mesh; a shell's own stays where it is
  asked.options = session.options;
  if (!arguments.live.empty()) asked.options.endpoints = arguments.live;
  const auto client = asked.connected_client();
  if (!client) return session.fail(client.status());
  const auto mesh = live_mesh({asked.endpoints()}, asked.access());
  if (!mesh) return session.fail(mesh.status());
  const auto report = sound_report(*mesh);
  if (!report) return session.fail(report.status());
  const auto candidates = candidates_of(arguments, mesh->model);
  if (!candidates) return session.end_with(kExitUsage, candidates.status());

  const auto bytes = plan::planned_bytes(mesh->model, *report);
  if (bytes.none()) {
    return session.fail(
        invalid("the nodes that store names decide about all of them by their first "
                "byte, so nothing is left to hashes; take such entries out, as far "
                "as the names are to be divided by hash"));
  }
  std::vector<plan::Member> members;
  for (const auto& candidate : *candidates) members.push_back({candidate.weight});
  const auto before = plan::owners_now(*report, bytes, *candidates);
  // What no loads change is found out before they are counted.
  auto after = plan::assign(members, before, {}, *tolerance);
  auto proposal = plan::propose(mesh->model, bytes, *candidates, after);
  if (!proposal) return session.fail(proposal.status());
  const auto stored = count_stored(asked, *mesh, bytes);
  if (broken_off()) return session.fail(interrupted_status());
  for (const auto& missing : stored.missing) session.complain("not counted: " + missing);
  if (!arguments.by.empty()) {
    if (!stored.missing.empty()) {
      return session.fail({StatusCode::kUnavailable,
                           "nothing can be planned by " + arguments.by + " that are not counted"});
    }
    after = plan::assign(members, before, loads_of(stored, arguments.by), *tolerance);
    proposal = plan::propose(mesh->model, bytes, *candidates, after);
    if (!proposal) return session.fail(proposal.status());
  }
  auto plan = make_plan(*candidates, before, after, stored, *std::move(proposal));
  plan.replaces_bytes = !plan::has_hashes(mesh->model);
  if (session.json()) {
    session.print_json(plan_json(plan));
  } else {
    session.print(plan_text(plan, color_on_stdout()));
  }
  if (!arguments.write.empty() && plan.proposal.report.sound()) {
    const auto written = write_tables(arguments.write, plan.proposal.mesh);
    if (!written.ok()) return session.end_with(kExitUsage, written);
    if (!session.json()) {
      session.print_line(
          "The tables are in " + quoted_path(arguments.write) +
          ", a file for each node: put each in the place of kv.routing_table in that "
          "node's file.");
    }
  }
  return stored.missing.empty() && plan.proposal.report.sound() ? kExitOk : kExitIncomplete;
}

}  // namespace

void add_plan_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "plan", "Propose tables that divide the names over nodes by hash, with the least movement");
  command->footer(
      exit_statuses({}, "not all could be counted, or the proposed tables are not sound"));
  auto arguments = std::make_shared<PlanArguments>();
  command
      ->add_option("--live", arguments->live,
                   "Of the mesh that this node belongs to; without it, of that of --node")
      ->type_name("ENDPOINT")
      ->expected(0, 1);
  command
      ->add_option("--nodes", arguments->nodes,
                   "Who is to store, with commas between them, each with =WEIGHT if it is to have "
                   "more or less than others; without it all with the application kv")
      ->type_name("NODE[=WEIGHT],...")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      ->add_option("--remove", arguments->remove, "All of these but this one; may be given again")
      ->type_name("NODE")
      ->allow_extra_args(false);
  command
      ->add_option("--by", arguments->by,
                   "Make this even, not only the number of hashes: buckets, keys or bytes")
      ->check(CLI::IsMember({"buckets", "keys", "bytes"}));
  command
      ->add_option("--tolerance", arguments->tolerance,
                   "With --by: how much fuller than the mean the fullest may be (5%)")
      ->type_name("PERCENT");
  command
      ->add_option("--write", arguments->write,
                   "Write each node's table into a file in this folder; it is made")
      ->type_name("DIR");
  command->callback([&session, arguments] {
    session.action = [&session, arguments] { return run_plan(session, *arguments); };
  });
}

}  // namespace kvmesh::command
