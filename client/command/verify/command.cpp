// verify: what the tables of all nodes do together.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "client/command/base/interrupts.h"
#include "client/command/base/json.h"
#include "client/command/base/program.h"
#include "client/command/base/session.h"
#include "client/command/commands.h"
#include "client/command/verify/live_mesh.h"
#include "client/command/verify/live_moves.h"
#include "client/command/verify/moves.h"
#include "client/command/verify/picture.h"
#include "client/command/verify/texts.h"
#include "client/verify/difference.h"
#include "client/verify/verify.h"
#include "common/config/node_files.h"
#include "common/security/key_file.h"
#include "common/security/own_key.h"
#include "common/security/principals.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

constexpr const char* kStandardOutput = "-";

struct VerifyArguments {
  std::vector<std::string> configurations;  // files and directories
  std::vector<std::string> live;            // endpoints, each as endpoint_list() reads it; or ""
  std::string before;                       // a file, a directory or an endpoint
  std::vector<std::string> from;
  bool dot = false;
  std::string svg;  // a file, or kStandardOutput
};

// What cannot be read ends the command as wrong usage does, whoever wrote it.
int refuse(const Session& session, const Status& status) {
  session.complain_lines(status.text());
  if (session.json()) session.print_json(Value::Map{{"error", error_value(status)}});
  return kExitUsage;
}

// A key file that is not here, or is somebody else's, can be read where its node runs only.
bool is_ours(const std::string& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0 && about.st_uid == ::geteuid();
}

// As the node itself would at its start.
Status check_key(const Settings& settings, const security::Principals& principals) {
  if (!is_ours(settings.mesh.key)) return {};
  const auto file = security::read_key_file(settings.mesh.key);
  if (!file) return {file.status().code(), "mesh.key: " + file.status().text()};
  return security::check_own_key(*file, principals, settings);
}

Result<LiveMesh> described_mesh(const std::vector<std::string>& configurations) {
  const auto files = read_node_files(configurations);
  if (!files) return files.status();
  LiveMesh mesh;  // without ways to its nodes, which need not run
  std::vector<std::string> faults;
  for (const auto& file : *files) {
    const auto& settings = file.loaded.settings;
    mesh.model.nodes.push_back(verify::node_of(settings, file.path));
    if (settings.mesh.security.empty()) continue;
    auto principals = security::Principals::load(settings.mesh.security);
    if (principals) {
      const auto status = check_key(settings, **principals);
      if (!status.ok()) faults.push_back(file.path + ": " + status.text());
      mesh.model.nodes.back().principals = *std::move(principals);
    } else if (std::ranges::find(faults, principals.status().text()) == faults.end()) {
      faults.push_back(principals.status().text());  // once for all that share it
    }
  }
  if (!faults.empty()) return Status{StatusCode::kInvalidArgument, joined(faults, "\n")};
  return mesh;
}

Result<LiveMesh> running_mesh(const Session& session, const std::vector<std::string>& nodes) {
  std::vector<EndpointList> starts;
  starts.reserve(nodes.size());
  for (const auto& endpoints : nodes) {
    starts.push_back(endpoints.empty() ? session.endpoints() : endpoint_list(endpoints));
  }
  return live_mesh(starts, session.access());
}

bool is_endpoint(const std::string& text) {
  return text.starts_with("tcp://") || text.starts_with("ipc://");
}

int write_file(const Session& session, const std::string& path, const std::string& bytes) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "wb"), std::fclose};
  if (!file || std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size() ||
      std::fflush(file.get()) != 0) {
    return refuse(session,
                  {StatusCode::kInvalidArgument,
                   "cannot write " + path + ": " + std::generic_category().message(errno)});
  }
  return kExitOk;
}

// A picture takes the place of the report.
bool draws_instead(const VerifyArguments& arguments) {
  return arguments.dot || arguments.svg == kStandardOutput;
}

// Prints or writes the picture that was asked for.
int draw(const Session& session, const VerifyArguments& arguments, const verify::MeshModel& model,
         const verify::Report& report) {
  const auto graph = picture(model, report);
  if (arguments.dot) session.print(graph);
  if (arguments.svg.empty()) return kExitOk;
  const auto svg = svg_of(graph);
  if (!svg) return refuse(session, svg.status());
  if (arguments.svg != kStandardOutput) return write_file(session, arguments.svg, *svg);
  session.print(*svg);
  return kExitOk;
}

// With what was before.
struct Compared {
  verify::Difference difference;
  std::optional<Moves> moves;  // of a mesh that runs

  const Moves* moves_or_null() const { return moves ? &*moves : nullptr; }
};

int judge(const Session& session, const VerifyArguments& arguments, const verify::MeshModel& model,
          const verify::Report& report, const Compared* compared) {
  if (arguments.dot || !arguments.svg.empty()) {
    const int status = draw(session, arguments, model, report);
    if (status != kExitOk) return status;
  }
  if (draws_instead(arguments)) {
    if (!report.sound()) session.complain(verdict_text(report));
  } else if (session.json()) {
    session.print_json(compared != nullptr ? difference_json(compared->difference,
                                                             compared->moves_or_null(), report)
                                           : report_json(report));
  } else {
    const bool color = color_on_stdout();
    session.print(
        (compared != nullptr
             ? difference_text(compared->difference, compared->moves_or_null(), color) + "\n"
             : "") +
        report_text(report, color));
  }
  return report.sound() ? kExitOk : kExitUnsound;
}

// Where requests entered before, as far as those nodes were there.
verify::EntryPoints options_before(const verify::MeshModel& before,
                                   const std::vector<std::string>& from) {
  verify::EntryPoints out;
  for (const auto& node : before.nodes) {
    for (const auto& name : from) {
      if (node.name.str() == name) out.from.push_back(name);
    }
  }
  return out;
}

int compare(const Session& session, const VerifyArguments& arguments,
            const verify::MeshModel& model, const verify::Report& report) {
  const bool live = is_endpoint(arguments.before);
  const auto before =
      live ? running_mesh(session, {arguments.before}) : described_mesh({arguments.before});
  if (!before) return live ? session.fail(before.status()) : refuse(session, before.status());
  const auto was = verify::verify(before->model, options_before(before->model, arguments.from));
  if (!was) return refuse(session, was.status());
  if (!was->sound())
    session.complain(arguments.before + " was " + verdict_text(*was) + ": " + faults_text(*was));
  Compared compared{verify::difference(*was, report), std::nullopt};
  if (live && !draws_instead(arguments)) {
    compared.moves = count_moves(*before, compared.difference, session.access());
    if (broken_off()) return session.fail(interrupted_status());
  }
  return judge(session, arguments, model, report, &compared);
}

int run_verify(const Session& session, const VerifyArguments& arguments) {
  const bool live = !arguments.live.empty();
  if (live == !arguments.configurations.empty()) {
    return refuse(session, {StatusCode::kInvalidArgument,
                            live ? "name configurations or --live [ENDPOINT], not both"
                                 : "name the configurations of all nodes, as files or "
                                   "directories, or a running node with --live [ENDPOINT]"});
  }
  const auto mesh =
      live ? running_mesh(session, arguments.live) : described_mesh(arguments.configurations);
  if (!mesh) return live ? session.fail(mesh.status()) : refuse(session, mesh.status());
  auto report = verify::verify(mesh->model, {arguments.from});
  if (!report) return refuse(session, report.status());
  if (live) find_strays(*mesh, session.access(), *report);
  if (broken_off()) return session.fail(interrupted_status());
  if (!arguments.before.empty()) return compare(session, arguments, mesh->model, *report);
  return judge(session, arguments, mesh->model, *report, nullptr);
}

}  // namespace

void add_verify_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "verify", "Prove where every request ends by the tables of all nodes, or name what is wrong");
  command->footer(exit_statuses("the mesh is not sound"));
  auto arguments = std::make_shared<VerifyArguments>();
  command->add_option("CONFIG", arguments->configurations,
                      "The configurations of all nodes: files, or directories of *.toml");
  command
      ->add_option("--live", arguments->live,
                   "Ask running nodes instead: this one, or else that of --node, those it knows, "
                   "and so on; of several with commas between them, the first that answers")
      ->type_name("ENDPOINT")
      ->expected(0, 1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  command
      ->add_option(
          "--diff", arguments->before,
          "Say what changes from OLD (a file or a directory; or an endpoint: then also how "
          "many buckets and keys have to move)")
      ->type_name("OLD");
  command
      ->add_option("--from", arguments->from,
                   "Requests enter at this node only; may be given again (all nodes)")
      ->type_name("NODE")
      ->allow_extra_args(false);
  command->add_flag("--dot", arguments->dot, "Print the mesh as a graph for graphviz instead");
  command
      ->add_option("--svg", arguments->svg,
                   "Write a picture of the mesh to this file; - prints it instead of the report")
      ->type_name("FILE");
  command->callback([&session, arguments] {
    session.action = [&session, arguments] { return run_verify(session, *arguments); };
  });
}

}  // namespace kvmesh::command
