#pragma once

#include <kvmesh/client.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How the command ends; kvmesh(1) says the same.
namespace kvmesh::command {

inline constexpr int kExitOk = 0;
inline constexpr int kExitMissingKey = 1;  // get, read, touch: the bucket exists, the key does not
inline constexpr int kExitUnsound = 1;     // verify: the mesh is not sound
inline constexpr int kExitUsage = 2;       // wrong arguments, or a file that cannot be opened
inline constexpr int kExitIncomplete =
    3;  // import, export, buckets, info --mesh, bench: a part failed
inline constexpr int kExitConflict = 4;     // put, delete: a check did not hold
inline constexpr int kExitStatusBase = 10;  // and the number of the status code
inline constexpr int kExitInterrupted = 130;

constexpr int exit_status(StatusCode code) {
  return code == StatusCode::kOk ? kExitOk : kExitStatusBase + static_cast<int>(code);
}

/// Endpoints of the same mesh, of which one is used at a time (Client::Options::endpoints).
using EndpointList = std::vector<std::string>;

/// What stands between the commas, without spaces around it. An empty part stays, for
/// Client::open() to refuse.
EndpointList endpoint_list(std::string_view text);

/// How nodes are asked.
struct Access {
  std::chrono::milliseconds timeout = limits::kTimeoutDefault;  // of a request
  std::string key_file;                                         // empty: none
  /// The same with another time, where that is shorter.
  Access within(std::chrono::milliseconds most) const {
    return {std::min(timeout, most), key_file};
  }
};

/// A client of these endpoints, which tries as many of them in the time of a request as it can.
/// kInvalidArgument when there can be none.
Result<std::unique_ptr<Client>> open_client(const EndpointList& endpoints, const Access& access);

/// How long such a client has to connect in `timeout`: as long as a call waits for a connection.
std::chrono::milliseconds connect_patience(const EndpointList& endpoints,
                                           std::chrono::milliseconds timeout);

/// One run of the command: its options, its connection and how it prints. One thread.
class Session {
 public:
  /// What all commands take; filled in by the parser before any action runs.
  struct Options {
    std::string endpoints = "tcp://127.0.0.1:5550";  // as endpoint_list() reads them
    std::string key;  // a file, or kNoKey; empty: the user's usual one, if there is one
    std::chrono::milliseconds timeout = limits::kTimeoutDefault;
    bool json = false;
  };
  Options options;
  static constexpr std::string_view kNoKey = "none";
  /// By those options; looks for the user's usual key file, ~/.config/kvmesh/key.
  Access access() const;
  /// What the chosen command does; gives the exit status.
  std::function<int()> action;
  /// Whether standard input is the command's own. In the shell it is where lines come from.
  bool owns_stdin = true;
  /// Of a script of the shell the line that is executed, from 1, which complaints name; 0: none.
  std::size_t script_line = 0;
  /// What the action has found, for a variable of the shell; empty: it has no result.
  std::optional<Value> result;
  /// Why it has none, where it could have had one.
  std::string why_no_result;

  /// The connection, opened by the first use. kInvalidArgument when there can be none.
  Result<Client*> client();
  /// The same when it is connected. kUnavailable when no endpoint can be used.
  Result<Client*> connected_client();
  /// Where the connection is or, while there is none, all that may be tried.
  std::string where() const;
  /// The endpoints, that of the connection first: to begin another connection at the same node.
  EndpointList endpoints() const;
  Timeout timeout() const { return options.timeout; }
  /// Calls `of_bucket` where the mesh routes it or, with `on`, at that node (ops::here).
  /// REQUIRES: client() has succeeded.
  Outcome call(Operation of_bucket, const std::string& on);
  bool json() const { return options.json; }

  /// Prints to standard output, all of it or none: a failure ends the process with kExitIncomplete,
  /// or with kExitUsage when standard output is closed.
  void print(std::string_view text) const;
  /// With a line end.
  void print_line(std::string_view text) const;
  /// A value for people, in lines of the terminal's width; with --json {"result": VALUE}.
  void print_value(const Value& value) const;
  /// Writes what stdio still has for standard output. Gives `exit_status`; when it was kExitOk and
  /// something could not be written, now or before, as print() ends, and says so.
  /// Ends the connection before that.
  int finish_output(int exit_status);
  /// As JSON of one line: what --json prints.
  void print_json(const Value& value) const { print_line(value.to_json()); }
  /// Whether the command may read standard input; says what to do where not.
  bool may_read_stdin() const;
  /// "kvmesh: text" on standard error: one line, whatever is in the text.
  void complain(std::string_view text) const;
  /// The same for a text of our own that has several lines.
  void complain_lines(std::string_view text) const;
  /// Says on standard error, and with --json as a document, why the command failed; gives its exit
  /// status: kExitUsage when client() could not read the endpoints.
  int fail(const Status& status) const;
  /// The same with another exit status, and without the code's name.
  int end_with(int exit_status, const Status& status) const;
  /// The same for a status whose text has several lines, each of which stands on its own.
  int fail_lines(const Status& status) const;
  /// kExitOk, or as fail().
  int finish(const Status& status) const;
  /// As finish(), for a command that has nothing to print but with --json: {"ok":true}.
  int finish_silent(const Status& status) const;

 private:
  void complain_as_it_is(const std::string& text) const;
  // Gives the exit status.
  int fail_to_print(const Status& status) const;

  std::unique_ptr<Client> client_;
  bool bad_endpoints_ = false;  // which is wrong usage
};

/// The columns of the terminal that is standard output; kWidthDefault when it is none.
inline constexpr std::size_t kWidthDefault = 80;
std::size_t output_width();

/// Whether tables and messages may be coloured there: a terminal, and no NO_COLOR in the
/// environment.
bool color_on_stdout();
bool color_on_stderr();

}  // namespace kvmesh::command
