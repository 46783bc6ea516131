// route, trace: where a bucket lives, and how a request gets there.
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "client/command/base/escape.h"
#include "client/command/base/json.h"
#include "client/command/base/numbers.h"
#include "client/command/base/session.h"
#include "client/command/commands.h"
#include "client/command/nodes/hops_text.h"
#include "client/outcome.h"
#include "common/functions.h"

namespace kvmesh::command {
namespace {

using std::chrono::steady_clock;

int route(Session& session, const std::string& bucket) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  Operation operation = ops::route(bucket);
  operation.trace = true;
  Outcome outcome = (*client)->call(operation, session.timeout());
  const auto hops = std::move(outcome.trace);
  const auto owner = client::text_of(std::move(outcome), functions::kNodeName.name);
  if (!owner) {
    if (!hops.empty() && !session.json()) session.print(way_text(hops));
    return session.fail(owner.status());
  }
  if (session.json()) {
    session.print_json(
        Value::Map{{"bucket", Bytes{bucket}}, {"owner", Bytes{*owner}}, {"hops", hops_json(hops)}});
  } else {
    session.print(escape(*owner) + "\n" + way_text(hops));
  }
  session.result = Value{*owner};
  return kExitOk;
}

struct TraceArguments {
  std::string bucket;
  CLI::Option* key_given = nullptr;
  std::string key;
};

int trace(Session& session, const TraceArguments& arguments) {
  // The first call would measure the connection's beginning too.
  const auto client = session.connected_client();
  if (!client) return session.fail(client.status());
  const bool with_key = arguments.key_given->count() > 0;
  Operation operation =
      with_key ? ops::get(arguments.bucket, arguments.key) : ops::route(arguments.bucket);
  operation.trace = true;
  const auto began = steady_clock::now();
  const Outcome outcome = (*client)->call(operation, session.timeout());
  const auto took =
      std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - began);
  if (session.json()) {
    const auto& status = outcome.status;
    if (!status.ok()) session.complain(status.to_string());
    Value::Map out{{"bucket", Bytes{arguments.bucket}},
                   {"function", with_key ? functions::kKvGet.str() : functions::kNodeName.str()},
                   {"round_trip_us", std::int64_t{took.count()}},
                   {"hops", hops_json(outcome.trace)}};
    if (!status.ok()) out.emplace_back("error", error_value(status));
    session.print_json(std::move(out));
    return status.ok() ? kExitOk : exit_status(status.code());
  }
  if (!outcome.trace.empty()) session.print(hops_table(outcome.trace, took, color_on_stdout()));
  return session.finish(outcome.status);
}

}  // namespace

void add_route_commands(CLI::App& app, Session& session) {
  auto* route_command = app.add_subcommand(
      "route", "Print the node that a bucket belongs to, and the table entries that lead there");
  auto bucket = std::make_shared<std::string>();
  route_command->add_option("BUCKET", *bucket, "The bucket's name; it need not exist")->required();
  route_command->callback([&session, bucket] {
    session.action = [&session, bucket] { return route(session, *bucket); };
  });

  auto* trace_command =
      app.add_subcommand("trace", "Send a request and print how long each hop of its way took");
  auto arguments = std::make_shared<TraceArguments>();
  trace_command->add_option("BUCKET", arguments->bucket, "The bucket's name; it need not exist")
      ->required();
  arguments->key_given = trace_command->add_option(
      "KEY", arguments->key, "Get this key; else the bucket's node is asked for its name");
  trace_command->callback([&session, arguments] {
    session.action = [&session, arguments] { return trace(session, *arguments); };
  });
}

}  // namespace kvmesh::command
