// put, get, delete: what concerns one key.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "client/command/base/program.h"
#include "client/command/base/session.h"
#include "client/command/buckets/apply_options.h"
#include "client/command/commands.h"
#include "client/outcome.h"
#include "common/functions.h"
#include "common/standard_descriptors.h"
#include "common/text.h"
#include "common/utf8.h"

namespace kvmesh::command {
namespace {

struct KeyArguments {
  std::string bucket;
  std::string key;
  std::string on;  // a node; empty: where the bucket belongs
};

void add_key_arguments(CLI::App& command, KeyArguments& arguments) {
  command.add_option("BUCKET", arguments.bucket, "The bucket's name")->required();
  command.add_option("KEY", arguments.key, "The key")->required();
}

struct PutArguments : KeyArguments {
  std::optional<std::string> value;
  std::string file;
  bool from_stdin = false;
  ApplyOptions apply;
};

struct DeleteArguments : KeyArguments {
  ApplyOptions apply;
};

// All bytes of an open file, but no more than shows that a value is too large.
Result<std::string> read_all(std::FILE* file, const std::string& name) {
  std::string bytes;
  std::string chunk(65536, '\0');
  while (bytes.size() <= limits::kValueBytesMax) {
    const std::size_t count = std::fread(chunk.data(), 1, chunk.size(), file);
    if (count == 0) break;
    bytes.append(chunk, 0, count);
  }
  if (std::ferror(file) != 0) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): only this thread reads files
    const char* why = std::strerror(errno);
    return Status{StatusCode::kInvalidArgument, "cannot read " + name + ": " + why};
  }
  if (bytes.size() > limits::kValueBytesMax) {
    return Status{StatusCode::kTooLarge, name + " is over the limit of " +
                                             std::to_string(limits::kValueBytesMax) +
                                             " bytes for a value"};
  }
  return bytes;
}

Result<std::string> read_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): only this thread reads files
    const char* why = std::strerror(errno);
    return Status{StatusCode::kInvalidArgument,
                  "cannot open " + kvmesh::in_quotes(path) + ": " + why};
  }
  auto bytes = read_all(file, kvmesh::in_quotes(path));
  std::fclose(file);
  return bytes;
}

int put(Session& session, const PutArguments& arguments) {
  const bool dash = arguments.value == "-" && session.owns_stdin;
  if (arguments.from_stdin && !session.may_read_stdin()) return kExitUsage;
  const int sources = (arguments.value.has_value() ? 1 : 0) + (arguments.from_stdin ? 1 : 0) +
                      (arguments.file.empty() ? 0 : 1);
  if (sources != 1 && !(dash && sources == 2 && arguments.from_stdin)) {
    session.complain("put takes one of VALUE, --stdin and --file; see kvmesh put --help");
    return kExitUsage;
  }
  Result<std::string> value = arguments.value.value_or("");
  if (!arguments.file.empty()) {
    value = read_file(arguments.file);
  } else if ((dash || arguments.from_stdin) && !has_standard_input()) {
    value = Status{StatusCode::kInvalidArgument, "cannot read standard input: it is closed"};
  } else if (dash || arguments.from_stdin) {
    value = read_all(stdin, "standard input");
  }
  if (!value && value.status().code() == StatusCode::kInvalidArgument) {
    session.complain(value.status().text());
    return kExitUsage;
  }
  if (!value) return session.fail(value.status());
  if (arguments.apply.any()) {
    return apply_change(session, arguments.bucket, "",
                        Change::put(arguments.key, *std::move(value)), arguments.apply,
                        [&](const Applied& applied) { return print_revision(session, applied); });
  }
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  return session.finish_silent(
      with_create_hint((*client)->put(arguments.bucket, arguments.key, *value, session.timeout()),
                       arguments.bucket));
}

int get(Session& session, const KeyArguments& arguments, bool raw) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  auto found =
      client::value_of(session.call(ops::get(arguments.bucket, arguments.key), arguments.on),
                       functions::kKvGet.name);
  if (!found) return session.fail(found.status());
  const std::optional<std::string>& value = *found;
  if (session.json()) {
    session.print_json(Value::Map{{"bucket", Bytes{arguments.bucket}},
                                  {"key", Bytes{arguments.key}},
                                  {"value", value ? Value{Bytes{*value}} : Value{}}});
  } else if (value) {
    const bool shown = !raw && isatty(STDOUT_FILENO) != 0;
    session.print((shown ? printable(*value, "\n\t") : *value) + (raw ? "" : "\n"));
  }
  if (value) {
    session.result = is_utf8(*value) ? Value{*value} : Value{Bytes{*value}};
    return kExitOk;
  }
  return fail_missing_key(session, arguments.bucket, arguments.key);
}

int erase(Session& session, const DeleteArguments& arguments) {
  if (arguments.apply.any()) {
    return apply_change(session, arguments.bucket, arguments.on, Change::erase(arguments.key),
                        arguments.apply,
                        [&](const Applied& applied) { return print_revision(session, applied); });
  }
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  const auto outcome = session.call(ops::erase(arguments.bucket, arguments.key), arguments.on);
  return session.finish_silent(outcome.status);
}

void add_on_node(CLI::App& command, KeyArguments& arguments) {
  command.add_option("--on", arguments.on, kOnNode)->type_name("NODE");
}

void add_put(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("put", "Store a value under a key of a bucket");
  auto arguments = std::make_shared<PutArguments>();
  add_key_arguments(*command, *arguments);
  command->add_option("VALUE", arguments->value, "The value; - reads it from standard input");
  command->add_flag("--stdin", arguments->from_stdin, "Read the value from standard input");
  command->add_option("--file", arguments->file, "Read the value from this file")
      ->type_name("FILE");
  add_if_rev(*command, arguments->apply);
  add_if_absent(*command, arguments->apply);
  add_ttl(*command, arguments->apply.ttl,
          "Let the key expire after this time, for example 10s or 7d");
  add_once(*command, arguments->apply);
  command->footer(exit_statuses_of_checks());
  command->callback([&session, arguments] {
    session.action = [&session, arguments] { return put(session, *arguments); };
  });
}

}  // namespace

void add_value_commands(CLI::App& app, Session& session) {
  add_put(app, session);

  auto* get_command = app.add_subcommand("get", "Print the value of a key");
  get_command->footer(exit_statuses("the bucket has no such key"));
  auto wanted = std::make_shared<KeyArguments>();
  auto raw = std::make_shared<bool>(false);
  add_key_arguments(*get_command, *wanted);
  add_on_node(*get_command, *wanted);
  get_command->add_flag("--raw", *raw,
                        "Print the value's bytes alone, as they are, without a line end");
  get_command->callback([&session, wanted, raw] {
    session.action = [&session, wanted, raw] { return get(session, *wanted, *raw); };
  });

  auto* delete_command =
      app.add_subcommand("delete", "Remove a key; no error when it is not there");
  auto unwanted = std::make_shared<DeleteArguments>();
  add_key_arguments(*delete_command, *unwanted);
  add_on_node(*delete_command, *unwanted);
  add_if_rev(*delete_command, unwanted->apply);
  delete_command->footer(exit_statuses_of_checks());
  delete_command->callback([&session, unwanted] {
    session.action = [&session, unwanted] { return erase(session, *unwanted); };
  });
}

}  // namespace kvmesh::command
