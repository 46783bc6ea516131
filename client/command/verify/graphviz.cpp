#include "client/command/verify/graphviz.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace kvmesh::command {
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
