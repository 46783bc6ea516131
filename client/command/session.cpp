#include "client/command/session.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "client/command/exit_status.h"
#include "client/command/json_lines.h"

namespace kvmesh::command {
namespace {

bool color_on(int descriptor) {
  const char* no_color =
      std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe): nobody writes it
  return isatty(descriptor) != 0 && (no_color == nullptr || *no_color == '\0');
}

}  // namespace

bool color_on_stdout() { return color_on(STDOUT_FILENO); }
bool color_on_stderr() { return color_on(STDERR_FILENO); }

Result<Client*> Session::client() {
  if (!client_) {
    Client::Options wanted;
    wanted.endpoint = options.endpoint;
    auto opened = Client::open(wanted);
    if (!opened) return opened.status();
    client_ = *std::move(opened);
  }
  return client_.get();
}

void Session::print(std::string_view text) const {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (written && std::fflush(stdout) == 0) return;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): only this thread prints
  complain(std::string{"cannot write to standard output: "} + std::strerror(errno));
  std::_Exit(kExitIncomplete);
}

void Session::print_line(std::string_view text) const { print(std::string{text} + "\n"); }

void Session::complain(std::string_view text) const {
  const bool color = color_on_stderr();
  std::fprintf(stderr, "%skvmesh:%s %.*s\n", color ? "\x1b[31m" : "", color ? "\x1b[0m" : "",
               static_cast<int>(text.size()), text.data());
}

int Session::fail(const Status& status) const {
  complain(status.to_string());
  if (json()) {
    print_line("{\"error\":" + error_json(status) + "}");
  }
  return exit_status(status.code());
}

int Session::finish(const Status& status) const { return status.ok() ? kExitOk : fail(status); }

int Session::finish_silent(const Status& status) const {
  if (status.ok() && json()) print_line(R"({"ok":true})");
  return finish(status);
}

}  // namespace kvmesh::command
