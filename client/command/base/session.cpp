#include "client/command/base/session.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "client/command/base/completions.h"
#include "client/command/base/json.h"
#include "client/command/base/values.h"
#include "common/standard_descriptors.h"
#include "common/text.h"

namespace kvmesh::command {

EndpointList endpoint_list(std::string_view text) {
  EndpointList out;
  while (true) {
    const auto comma = text.find(',');
    const auto piece = text.substr(0, comma);
    const auto first = std::min(piece.find_first_not_of(' '), piece.size());
    out.emplace_back(piece.substr(first, piece.find_last_not_of(' ') + 1 - first));
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

Result<std::unique_ptr<Client>> open_client(const EndpointList& endpoints, const Access& access) {
  Client::Options options;
  options.endpoints = endpoints;
  options.key_file = access.key_file;
  options.gives_up_refused = true;
  // What one that is silent may take of the time.
  const auto share = access.timeout / std::max<std::int64_t>(1, std::ssize(endpoints));
  if (endpoints.size() > 1) options.connect_timeout = std::min(options.connect_timeout, share);
  return Client::open(std::move(options));
}

std::chrono::milliseconds connect_patience(const EndpointList& endpoints,
                                           std::chrono::milliseconds timeout) {
  return std::min(timeout, Client::Options{}.connect_timeout * std::ssize(endpoints));
}

namespace {

bool color_on(int descriptor) {
  const char* no_color =
      std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe): nobody writes it
  return isatty(descriptor) != 0 && (no_color == nullptr || *no_color == '\0');
}

// Where a key is that nobody has named; empty: there is none.
std::string usual_key_file() {
  const char* home = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe): nobody writes it
  if (home == nullptr || *home == '\0') return {};
  auto path = std::string{home} + "/.config/kvmesh/key";
  return ::access(path.c_str(), F_OK) == 0 ? path : std::string{};
}

}  // namespace

std::size_t output_width() {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kWidthDefault;
}

bool color_on_stdout() { return color_on(STDOUT_FILENO); }
bool color_on_stderr() { return color_on(STDERR_FILENO); }

Access Session::access() const {
  if (options.key == kNoKey) return {options.timeout, {}};
  return {options.timeout, options.key.empty() ? usual_key_file() : options.key};
}

Result<Client*> Session::client() {
  if (!client_) {
    auto opened = open_client(endpoint_list(options.endpoints), access());
    if (!opened) {
      bad_endpoints_ = opened.status().code() == StatusCode::kInvalidArgument;
      const bool has_blank =
          std::ranges::any_of(endpoint_list(options.endpoints),
                              [](const auto& one) { return one.find(' ') != std::string::npos; });
      if (!bad_endpoints_ || !has_blank) return opened.status();
      return Status{opened.status().code(),
                    opened.status().text() + "; between several stands a comma"};
    }
    client_ = *std::move(opened);
  }
  return client_.get();
}

Result<Client*> Session::connected_client() {
  auto out = client();
  if (!out) return out;
  const auto patience = connect_patience(endpoint_list(options.endpoints), options.timeout);
  if (Status up = wait_connected_until_broken_off(**out, patience); !up.ok()) return up;
  return out;
}

std::string Session::where() const {
  const auto connected = client_ ? client_->connected_endpoint() : std::string{};
  return connected.empty() ? options.endpoints : connected;
}

EndpointList Session::endpoints() const {
  auto out = endpoint_list(options.endpoints);
  if (const auto at = std::ranges::find(out, where()); at != out.end()) {
    std::rotate(out.begin(), at, out.end());
  }
  return out;
}

Outcome Session::call(Operation of_bucket, const std::string& on) {
  if (!on.empty()) of_bucket = ops::here(on, std::move(of_bucket));
  return call_until_broken_off(*client_, std::move(of_bucket), timeout());
}

void Session::print(std::string_view text) const {
  if (Status status = write_standard_output(text); !status.ok()) std::_Exit(fail_to_print(status));
}

void Session::print_line(std::string_view text) const { print(std::string{text} + "\n"); }

void Session::print_value(const Value& value) const {
  if (json()) return print_json(Value::Map{{"result", value}});
  print_line(value_text(value, output_width()));
}

int Session::fail_to_print(const Status& status) const {
  complain(status.text());
  return status.code() == StatusCode::kInvalidArgument ? kExitUsage : kExitIncomplete;
}

int Session::finish_output(int exit_status) {
  client_.reset();  // writes what is left of the output of tasks
  const Status status = write_standard_output();
  if (status.ok()) return exit_status;
  const int failed = fail_to_print(status);
  return exit_status == kExitOk ? failed : exit_status;
}

bool Session::may_read_stdin() const {
  if (!owns_stdin) complain("the shell's lines come from standard input; name a file instead");
  return owns_stdin;
}

void Session::complain(std::string_view text) const { complain_as_it_is(printable(text)); }

void Session::complain_lines(std::string_view text) const {
  complain_as_it_is(printable(text, "\n"));
}

void Session::complain_as_it_is(const std::string& text) const {
  const bool color = color_on_stderr();
  // A fault of the line itself has its place already: "line 3, column 5".
  const bool has_place =
      text.find("line ") != std::string::npos && text.find(", column ") != std::string::npos;
  const std::string line =
      script_line == 0 || has_place ? "" : "line " + std::to_string(script_line) + ": ";
  std::fprintf(stderr, "%skvmesh:%s %s%s\n", color ? "\x1b[31m" : "", color ? "\x1b[0m" : "",
               line.c_str(), text.c_str());
}

namespace {

// The place of a fault of the line itself comes first, as all places of lines do.
std::string with_place_first(const Status& status) {
  constexpr std::string_view kColon = ": ";
  const auto& text = status.text();
  const auto end = text.find(kColon);
  const bool has_place = end != std::string::npos && text.starts_with("line ") &&
                         text.substr(0, end).find(", column ") != std::string::npos;
  if (!has_place) return status.to_string();
  const auto rest = end + kColon.size();
  return text.substr(0, rest) + std::string{to_string(status.code())} + ": " + text.substr(rest);
}

}  // namespace

int Session::fail(const Status& status) const {
  complain(with_place_first(status));
  if (json()) print_json(Value::Map{{"error", error_value(status)}});
  return bad_endpoints_ ? kExitUsage : exit_status(status.code());
}

int Session::end_with(int exit_status, const Status& status) const {
  complain(status.text());
  if (json()) print_json(Value::Map{{"error", error_value(status)}});
  return exit_status;
}

int Session::fail_lines(const Status& status) const {
  const bool several = status.text().find('\n') != std::string::npos;
  complain_lines(std::string{to_string(status.code())} + (several ? ":\n" : ": ") + status.text());
  if (json()) print_json(Value::Map{{"error", error_value(status)}});
  return exit_status(status.code());
}

int Session::finish(const Status& status) const { return status.ok() ? kExitOk : fail(status); }

int Session::finish_silent(const Status& status) const {
  if (status.ok() && json()) print_json(Value::Map{{"ok", true}});
  return finish(status);
}

}  // namespace kvmesh::command
