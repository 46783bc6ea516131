// call, spawn, send: functions on nodes, and messages to processes.
#include <kvmesh/mesh.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/command/base/program.h"
#include "client/command/base/session.h"
#include "client/command/base/values.h"
#include "client/command/commands.h"
#include "client/command/tasks/task_output.h"
#include "client/command/tasks/task_runs.h"
#include "client/command/tasks/task_texts.h"
#include "common/functions.h"

namespace kvmesh::command {
namespace {

struct CallArguments {
  std::string node;
  CLI::Option* has_function = nullptr;
  std::string function;
  CLI::Option* args = nullptr;
  std::string bucket;
  CLI::Option* by_bucket = nullptr;
  bool detach = false;
  std::chrono::milliseconds limit{0};
};

int call(Session& session, const CallArguments& given) {
  Call wanted;
  std::vector<std::string> words = given.args->results();
  if (given.by_bucket->count() > 0) {
    wanted.bucket = given.bucket;
    if (given.has_function->count() > 0) words.insert(words.begin(), given.function);
    wanted.function = given.node;
  } else {
    wanted.node = given.node;
    wanted.function = given.function;
  }
  if (wanted.function.empty()) {
    session.complain(
        "call takes NODE FUNCTION, or --bucket BUCKET FUNCTION; see kvmesh call --help");
    return kExitUsage;
  }
  auto args = values_given(session, words);
  if (!args) return session.fail(args.status());
  wanted.args = *std::move(args);
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  Interrupts interrupts{Interrupts::Unseen::kEndsProcess};
  return run_call(session, (*client)->mesh(), std::move(wanted), output_of(session), interrupts);
}

// It is linked, so that it ends with this command, and its end is told when all output was shown.
int spawn_attached(Session& session, Client& client, const CallArguments& given,
                   ArgumentList args) {
  const auto held = std::make_shared<HeldOutput>(output_of(session));
  const CallOptions options{session.timeout(), held, given.limit};
  const auto pid = client.mesh().spawn_link(options, given.node, given.function, std::move(args));
  if (!pid) return session.fail(pid.status());
  // Before anything is shown: what is seen of the process may be answered by an interrupt at once.
  Interrupts interrupts{Interrupts::Unseen::kEndsProcess};
  const OnInterrupt stop{interrupts, [&] {
                           cancel_later(client, *pid);
                           interrupts.release();
                         }};
  print_pid(session, *pid);
  held->release();
  while (true) {
    const auto message = client.mesh().receive(limits::kTimeoutMax);
    if (!message && message.status().code() == StatusCode::kDeadlineExceeded) continue;
    if (!message) return session.fail(message.status());
    if (message->kind != MessageKind::kDown || message->sender != *pid) continue;
    const auto* reason = message->body.bytes_or_text();
    return session.finish(end_status(reason != nullptr ? *reason : ""));
  }
}

// A process that cannot begin, for its arguments, or fails at once tells that to the first poll.
// One that is quiet does not answer it, and none is waited for: what did not come goes on.
Status end_of_first_moments(Client& client, const std::string& node, const Value& id,
                            const Value& key) {
  constexpr std::chrono::milliseconds kFirstMoments{100};
  const auto outcome = client.call(
      {Operation::For::kNode, node, functions::kTaskNext.str(), {id, key}}, kFirstMoments);
  const auto code = outcome.status.code();
  const bool speaks_of_poll = is_transient(code) || code == StatusCode::kNoRoute;
  return speaks_of_poll ? Status{} : outcome.status;
}

// By requests of its own, as a Mesh keeps what it polls to itself. What the process writes in its
// first moments is dropped: who reads the pid from a pipe does not want it.
int spawn_detached(Session& session, Client& client, const CallArguments& given, Value::List args) {
  const auto begun = client.call({Operation::For::kNode,
                                  given.node,
                                  functions::kTaskRun.str(),
                                  {given.function, std::move(args), "spawn",
                                   static_cast<std::uint64_t>(given.limit.count()), Value{}}},
                                 session.timeout());
  if (!begun.status.ok()) return session.fail(begun.status);
  const auto* progress = begun.result.get_if<Value::List>();
  const auto* node =
      progress != nullptr && progress->size() > 2 ? (*progress)[0].bytes_or_text() : nullptr;
  if (node == nullptr) {
    return session.fail({StatusCode::kProtocolError, given.node + " answered with no progress"});
  }
  const auto end = end_of_first_moments(client, *node, (*progress)[1], (*progress)[2]);
  if (!end.ok()) return session.fail(end);
  print_pid(session, {*node, (*progress)[1].to_uint().value_or(0)});
  return kExitOk;
}

int spawn(Session& session, const CallArguments& given) {
  auto args = values_given(session, given.args->results());
  if (!args) return session.fail(args.status());
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  if (given.detach) return spawn_detached(session, **client, given, *std::move(args));
  return spawn_attached(session, **client, given, ArgumentList{*std::move(args)});
}

// PID VALUE or NODE NAME VALUE.
struct SendArguments {
  std::string first;
  std::string second;
  std::string third;
  CLI::Option* has_third = nullptr;
};

int send(Session& session, const SendArguments& given) {
  const bool is_named = given.has_third->count() > 0;
  const auto to = is_named ? Result<Pid>{Pid{}} : parse_pid(given.first);
  if (!to) return session.fail(to.status());
  auto body = value_given(session, is_named ? given.third : given.second);
  if (!body) return session.fail(body.status());
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  auto& mesh = (*client)->mesh();
  if (!is_named) return send_message(session, mesh, *to, *std::move(body));
  return send_to_server(session, mesh, {given.second, given.first}, {}, *std::move(body));
}

}  // namespace

void add_task_commands(CLI::App& app, Session& session) {
  auto* call_command = app.add_subcommand("call", "Call a function on a node and print its result");
  auto called = std::make_shared<CallArguments>();
  call_command->add_option("NODE", called->node, "The node; not with --bucket")->required();
  called->has_function =
      call_command->add_option("FUNCTION", called->function, "The function: module.name")
          ->required();
  called->args = add_argument_words(*call_command);
  called->by_bucket =
      call_command
          ->add_option_function<std::string>(
              "--bucket",
              [called](const std::string& bucket) {
                called->bucket = bucket;
                called->has_function->required(false);  // it stands in the place of NODE
              },
              "Call on the node that this bucket belongs to, which is not named then")
          ->type_name("BUCKET");
  call_command->callback([&session, called] {
    session.action = [&session, called] { return call(session, *called); };
  });

  auto* spawn_command =
      app.add_subcommand("spawn", "Start a process on a node and show what it writes");
  auto spawned = std::make_shared<CallArguments>();
  spawn_command->add_option("NODE", spawned->node, "The node")->required();
  spawn_command->add_option("FUNCTION", spawned->function, "The function: module.name")->required();
  spawned->args = add_argument_words(*spawn_command);
  spawn_command->add_flag("--detach", spawned->detach,
                          "Only print its pid; it goes on by itself, and its output is dropped");
  add_duration(*spawn_command, "--limit", spawned->limit,
               "How long it may run; else until it ends by itself or is told to");
  spawn_command->callback([&session, spawned] {
    session.action = [&session, spawned] { return spawn(session, *spawned); };
  });

  auto* send_command = app.add_subcommand(
      "send", "Send a message to a process: PID VALUE; or to one with a name: NODE NAME VALUE");
  auto sent = std::make_shared<SendArguments>();
  send_command
      ->add_option("PID", sent->first,
                   "As printed, or without < and >: foo@localhost/1a2b3c; or the NODE of a server")
      ->type_name("RECEIVER")
      ->required();
  send_command
      ->add_option("VALUE", sent->second, "JSON where it is JSON, else text; or the server's NAME")
      ->type_name("SERVER_OR_VALUE")
      ->required();
  sent->has_third = send_command->add_option("NAMED_VALUE", sent->third, "The value, after a NAME")
                        ->type_name("VALUE");
  send_command->callback(
      [&session, sent] { session.action = [&session, sent] { return send(session, *sent); }; });
}

}  // namespace kvmesh::command
