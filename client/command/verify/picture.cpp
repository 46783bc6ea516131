#include "client/command/verify/picture.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "client/verify/atlas.h"

namespace kvmesh::command {

namespace {

using verify::Atlas;
using verify::End;
using verify::NameSet;

constexpr std::string_view kRed = "#c0392b";
constexpr std::string_view kHead =
    "digraph kvmesh {\n"
    "  graph [rankdir=LR, nodesep=0.5, ranksep=1.2]\n"
    "  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"sans-serif\"]\n"
    "  edge [fontname=\"sans-serif\", fontsize=10]\n";

// A string of the language; what it holds may be a range of any bytes.
std::string quoted_in_dot(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// The lines of a box or of an arrow.
std::string label(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) {
    const auto text = quoted_in_dot(line);
    out += (out.empty() ? "" : "\\n") + text.substr(1, text.size() - 2);
  }
  return "label=\"" + out + "\"";
}

// A long list of ranges on several lines, so that the picture does not grow wide.
std::vector<std::string> lines_of(const NameSet& names) {
  constexpr std::size_t kRangesInALine = 4;
  std::vector<std::string> out;
  std::size_t count = 0;
  for (const auto& text : names.texts()) {
    if (count++ % kRangesInALine == 0) {
      out.emplace_back();
    } else {
      out.back() += ", ";
    }
    out.back() += text;
  }
  return out;
}

// What a node does with requests, all names together.
struct Behaviour {
  NameSet stores;
  NameSet refuses;  // no entry, or one that it cannot follow
  std::map<std::uint32_t, NameSet> passes_on;
};

std::vector<Behaviour> behaviours(const Atlas& atlas) {
  std::vector<Behaviour> out(atlas.size());
  for (const auto& cell : atlas.cells()) {
    const auto steps = atlas.steps(cell);
    for (std::uint32_t place = 0; place < atlas.size(); ++place) {
      const auto& step = steps[place];
      if (step.passes_on) {
        out[place].passes_on[step.place].insert(cell.bytes, cell.hashes);
      } else if (step.end == End::kStored) {
        out[place].stores.insert(cell.bytes, cell.hashes);
      } else {
        out[place].refuses.insert(cell.bytes, cell.hashes);
      }
    }
  }
  return out;
}

// What is wrong, as a picture can show it.
struct Wrong {
  std::map<std::pair<std::string, std::string>, NameSet> turning;  // by arrow: the names of loops
  NameSet anywhere;                        // wrong on every arrow that they take
  std::map<std::string, NameSet> divided;  // by node: what it stores, and another one too
  std::set<std::string> nodes;
};

Wrong wrong_in(const verify::Report& report) {
  using verify::FindingKind;
  Wrong out;
  for (const auto& finding : report.findings) {
    const auto& nodes = finding.nodes;
    if (finding.severity() != verify::Severity::kFault || nodes.empty()) continue;
    switch (finding.kind) {
      case FindingKind::kLoop:
        for (std::size_t i = 0; i < nodes.size(); ++i) {
          out.turning[{nodes[i], nodes[(i + 1) % nodes.size()]}].insert(finding.names);
        }
        break;
      case FindingKind::kSplitBrain:
        out.anywhere.insert(finding.names);
        for (const auto& node : nodes) out.divided[node].insert(finding.names);
        out.nodes.insert(nodes.begin(), nodes.end());
        break;
      case FindingKind::kTooManyHops:
        out.anywhere.insert(finding.names);
        break;
      default:
        out.nodes.insert(nodes.front());
    }
  }
  return out;
}

// The names of `all` that are in `part`, and those that are not.
std::pair<NameSet, NameSet> divided(const NameSet& all, const NameSet& part) {
  std::pair<NameSet, NameSet> out{common_to(all, part), all};
  out.second.remove(part);
  return out;
}

void add_to(std::vector<std::string>& lines, std::string_view what, const NameSet& bytes) {
  if (bytes.empty()) return;
  auto more = lines_of(bytes);
  more.front().insert(0, what);
  lines.insert(lines.end(), more.begin(), more.end());
}

std::string box(const Atlas& atlas, std::uint32_t place, const Behaviour& behaviour,
                const Wrong& wrong) {
  const auto& node = atlas.node(place);
  std::vector<std::string> lines{node.name.str()};
  const auto divided_here = wrong.divided.find(node.name.str());
  const auto [shared, own] = divided(
      behaviour.stores, divided_here == wrong.divided.end() ? NameSet{} : divided_here->second);
  add_to(lines, "stores ", own);
  add_to(lines, "stores, as another node does, ", shared);
  add_to(lines, "refuses ", behaviour.refuses);
  std::string out = "  " + quoted_in_dot(node.name.str()) + " [" + label(lines);
  if (node.stores) out += ", fillcolor=\"#e3f1e5\"";
  if (node.serves_lines) out += ", penwidth=2";
  if (!behaviour.refuses.empty() || wrong.nodes.contains(node.name.str())) {
    out.append(", color=\"").append(kRed).append("\"");
  }
  return out + "]\n";
}

const std::string& red() {
  static const std::string kAttributes =
      ", color=\"" + std::string{kRed} + "\", fontcolor=\"" + std::string{kRed} + "\"";
  return kAttributes;
}

std::string arrow(const std::string& from, const std::string& to, const NameSet& bytes,
                  bool wrong) {
  if (bytes.empty()) return {};
  return "  " + quoted_in_dot(from) + " -> " + quoted_in_dot(to) + " [" + label(lines_of(bytes)) +
         (wrong ? red() : "") + "]\n";
}

}  // namespace

std::string picture(const verify::MeshModel& model, const verify::Report& report) {
  const Atlas atlas{model};
  const auto all = behaviours(atlas);
  auto wrong = wrong_in(report);
  std::set<std::uint32_t> unknown;
  std::string boxes;
  std::string arrows;
  for (std::uint32_t place = 0; place < atlas.size(); ++place) {
    boxes += box(atlas, place, all[place], wrong);
    for (const auto& [to, bytes] : all[place].passes_on) {
      const auto& from_name = atlas.name(place);
      const auto& to_name = atlas.name(to);
      if (to >= atlas.size()) {
        unknown.insert(to);
        arrows += arrow(from_name, to_name, bytes, true);
        continue;
      }
      auto wrong_here = wrong.turning[{from_name, to_name}];
      wrong_here.insert(wrong.anywhere);
      const auto [faulty, others] = divided(bytes, wrong_here);
      arrows += arrow(from_name, to_name, faulty, true) + arrow(from_name, to_name, others, false);
    }
  }
  for (const auto place : unknown) {
    boxes += "  " + quoted_in_dot(atlas.name(place)) + " [" +
             label({atlas.name(place), "not described"}) + ", style=\"rounded,dashed\"" + red() +
             "]\n";
  }
  return std::string{kHead} + boxes + arrows + "}\n";
}

namespace {

// Files without a name, for what the program reads and writes: pipes would need both ends to be
// served at once.
using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File unnamed_file() { return {std::tmpfile(), std::fclose}; }

Status failure(const std::string& what, int error) {
  return {StatusCode::kInternal, what + ": " + std::generic_category().message(error)};
}

Result<std::string> contents(std::FILE* file) {
  std::string out;
  std::array<char, 16 * 1024> buffer{};
  std::rewind(file);
  while (const auto count = std::fread(buffer.data(), 1, buffer.size(), file)) {
    out.append(buffer.data(), count);
  }
  if (std::ferror(file) != 0) return failure("cannot read what dot has drawn", errno);
  return out;
}

// The exit status of `dot -Tsvg` that reads and writes these files; or why it has none.
Result<int> run_dot(std::FILE* input, std::FILE* output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ::fileno(input), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ::fileno(output), STDOUT_FILENO);
  std::string program = "dot";
  std::string format = "-Tsvg";
  std::array<char*, 3> arguments{program.data(), format.data(), nullptr};
  pid_t pid = 0;
  const int error =
      ::posix_spawnp(&pid, program.c_str(), &actions, nullptr, arguments.data(), ::environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT) {
    return Status{StatusCode::kUnavailable,
                  "there is no program dot, which draws the picture; install graphviz (apt-get "
                  "install graphviz), or print the graph with --dot"};
  }
  if (error != 0) return failure("cannot run dot", error);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return failure("cannot wait for dot", errno);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

Result<std::string> svg_of(const std::string& graph) {
  const auto input = unnamed_file();
  const auto output = unnamed_file();
  if (!input || !output) return failure("cannot make a temporary file", errno);
  if (std::fwrite(graph.data(), 1, graph.size(), input.get()) != graph.size() ||
      std::fflush(input.get()) != 0) {
    return failure("cannot write a temporary file", errno);
  }
  std::rewind(input.get());
  const auto status = run_dot(input.get(), output.get());
  if (!status) return status.status();
  if (*status != 0) {
    return Status{StatusCode::kInternal, "dot failed; print the graph with --dot to see what of"};
  }
  return contents(output.get());
}

}  // namespace kvmesh::command
