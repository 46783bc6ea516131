// options: what a bucket has of its own.
#include "client/command/buckets/bucket_options.h"

#include <memory>
#include <string>

#include "client/command/base/numbers.h"
#include "client/command/base/program.h"
#include "client/command/buckets/apply_options.h"
#include "common/config/size_text.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

std::string options_text(const BucketOptions& options) {
  return "ttl      " + (options.ttl ? duration_text(*options.ttl) : std::string{"none"}) +
         "\nhistory  " +
         (options.history_bytes ? byte_count(*options.history_bytes)
                                : std::string{"while somebody follows"}) +
         "\n";
}

Value options_json(const BucketOptions& options) {
  return Value::Map{
      {"ttl_ms", options.ttl ? Value{std::int64_t{options.ttl->count()}} : Value{}},
      {"history_bytes", options.history_bytes ? Value{*options.history_bytes} : Value{}}};
}

struct OptionsOfBucket {
  std::string bucket;
  BucketOptions change;
  bool no_ttl = false;
  bool no_history = false;
};

int options_of_bucket(Session& session, OptionsOfBucket arguments) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  if (arguments.no_ttl) arguments.change.ttl = std::chrono::milliseconds{0};
  if (arguments.no_history) arguments.change.history_bytes = 0;
  const auto options =
      options_of(session.call(ops::options(arguments.bucket, arguments.change), {}));
  if (!options) return session.fail(with_create_hint(options.status(), arguments.bucket));
  session.result = options_json(*options);
  if (session.json()) {
    session.print_json(options_json(*options));
  } else {
    session.print(options_text(*options));
  }
  return kExitOk;
}

}  // namespace

void add_bucket_options(CLI::App& command, BucketOptions& options) {
  add_ttl(command, options.ttl, "Of keys that are stored without a time to live from now on");
  command
      .add_option_function<std::string>(
          "--history",
          [&options](const std::string& text) {
            const auto bytes = config::parse_size(text);
            if (!bytes || *bytes < 0 ||
                static_cast<std::uint64_t>(*bytes) > limits::kEventRingsBytesMax) {
              throw CLI::ValidationError(
                  "--history", in_quotes(text) + " is no size up to 64MiB; write for example 1MiB");
            }
            options.history_bytes = static_cast<std::uint64_t>(*bytes);
          },
          "Remember so many bytes of changes for followers who are away, as 4MiB")
      ->type_name("SIZE");
}

void add_options_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "options", "Print or change the options of a bucket: time to live, history");
  auto arguments = std::make_shared<OptionsOfBucket>();
  command->add_option("BUCKET", arguments->bucket, "The bucket's name")->required();
  add_bucket_options(*command, arguments->change);
  command->add_flag("--no-ttl", arguments->no_ttl, "Keys live for ever unless they say otherwise")
      ->excludes(command->get_option("--ttl"));
  command
      ->add_flag("--no-history", arguments->no_history,
                 "Changes are remembered only while somebody follows")
      ->excludes(command->get_option("--history"));
  command->callback([&session, arguments] {
    session.action = [&session, arguments] { return options_of_bucket(session, *arguments); };
  });
}

}  // namespace kvmesh::command
