#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include <kvmesh/limits.h>
#include <kvmesh/pid.h>

#include "common/functions.h"
#include "common/remote/requests.h"
#include "common/rights.h"
#include "common/text.h"
#include "node/modules/task_modules.h"

namespace kvmesh::modules {
namespace {

using core::Call;
using tasks::Host;

constexpr std::size_t kModeBytesMax = 16;
constexpr std::string_view kEverything = "*";

bool is_unrestricted(const Host& host, const Call& call) {
  return host.is_unrestricted() && call.request().permit == nullptr;
}

Status check_may_call(const Call& call, std::string_view function) {
  const auto* permit = call.request().permit;
  if (permit == nullptr || permit->may_call(function)) return {};
  return {StatusCode::kDenied, std::string{permit->asker()} + " may not call " +
                                   in_quotes(function) + " (" +
                                   std::string{call.request().function} + ")"};
}

Status no_task(std::string_view function) {
  return {StatusCode::kInvalidArgument,
          std::string{function} + " is no task; call it directly instead of with task.run"};
}

Status no_mode(std::string_view mode) {
  return {StatusCode::kInvalidArgument,
          in_quotes(mode) +
              " is no mode of task.run; the modes are call, async, nolink, spawn and "
              "spawn_link"};
}

// A hundred years at most: the end must be a time that the clock can show.
std::chrono::milliseconds limit_of(std::uint64_t milliseconds) {
  constexpr std::chrono::milliseconds kMost = std::chrono::hours{24} * 36525;
  return std::chrono::milliseconds{
      std::min(milliseconds, static_cast<std::uint64_t>(kMost.count()))};
}

void run(Host& host, Call& call) {
  Arguments args{call.request(), functions::kTaskRun};
  const auto function = args.bytes({"function name", limits::kFunctionNameBytesMax});
  std::uint32_t count = 0;
  const auto values = args.array(count);
  const auto mode_name = args.bytes({"mode", kModeBytesMax});
  const auto limit = args.optional_uint(0);
  auto from = read_from(args);
  if (refuse(call, args.check()) || refuse(call, from.status())) return;

  const auto mode = tasks::mode_from_name(mode_name);
  if (!mode) return call.fail(no_mode(mode_name));
  if (remote::is_built_in(function)) return call.fail(no_task(function));
  if (refuse(call, check_allowed(host, call, function))) return;
  const auto place = host.catalogue().find(function);
  if (!place)
    return call.fail(host.catalogue().undefined(host.self().str(), function, count, values));

  const auto ticket = call.defer_queued();
  if (!ticket) return;
  tasks::Processes::Run task;
  task.function = *place;
  task.name = host.catalogue().at(*place).name;
  task.args = values;
  task.mode = *mode;
  task.limit = limit_of(limit);
  task.from = *std::move(from);
  task.key = host.new_key();
  task.traced = call.request().traced();
  host.processes().run(*ticket, std::move(task), host.now());
}

void next(Host& host, Call& call) {
  Arguments args{call.request(), functions::kTaskNext};
  const auto id = args.uint();
  const auto key = args.uint();
  const bool wants_news = args.optional_bool(true);
  if (refuse(call, args.check())) return;
  const auto ticket = call.defer();
  if (!ticket) return;
  host.processes().next(*ticket, id, key, wants_news ? tasks::Wants::kNews : tasks::Wants::kNothing,
                        host.now());
}

void cancel(Host& host, Call& call) {
  Arguments args{call.request(), functions::kTaskCancel};
  const auto id = args.uint();
  const auto key = args.optional_uint(0);
  if (refuse(call, args.check())) return;
  if (!host.processes().is_key_of(id, key) &&
      refuse(call, check_access(host, call, id, Act::kStop))) {
    return;
  }
  if (refuse(call, host.processes().cancel(id, host.now()))) return;
  call.succeed();
}

void list(Host& host, Call& call) {
  const Arguments args{call.request(), functions::kTaskList};
  if (refuse(call, args.check())) return;
  tasks::Processes::Visible visible;
  if (!is_unrestricted(host, call)) {
    visible = [&](std::string_view right) {
      return allows(host, call, right.empty() ? kEverything : right);
    };
  }
  host.processes().list(call.result(), host.now(), visible);
  call.succeed();
}

void modules(Host& host, Call& call) {
  const Arguments args{call.request(), functions::kTaskModules};
  if (refuse(call, args.check())) return;
  host.catalogue().list(call.result(),
                        [&](std::string_view right) { return allows(host, call, right); });
  call.succeed();
}

}  // namespace

void define_task(core::FunctionRegistry& all, tasks::Host& host) {
  define_on(host, all, functions::kTaskRun, run);
  define_on(host, all, functions::kTaskNext, next);
  define_on(host, all, functions::kTaskCancel, cancel);
  define_on(host, all, functions::kTaskList, list);
  define_on(host, all, functions::kTaskModules, modules);
  all.set_advice(
      [&host](std::string_view function) { return host.catalogue().how_to_call(function); });
}

void define_on(Host& host, core::FunctionRegistry& modules, const functions::Function& function,
               void (*handler)(Host&, Call&)) {
  modules.define(function, [&host, handler](Call& call) { handler(host, call); });
}

Result<std::string> read_from(Arguments& args) {
  const auto text = args.optional_bytes({"pid", limits::kNodeNameBytesMax + 32});
  if (!text) return std::string{};
  const auto pid = Pid::parse(*text);
  if (!pid) return pid.status();
  return std::string{*text};
}

bool allows(const tasks::Host& host, const Call& call, std::string_view function) {
  const auto* permit = call.request().permit;
  return host.allows(function) && (permit == nullptr || permit->may_call(function));
}

Status check_allowed(const tasks::Host& host, const Call& call, std::string_view function) {
  if (!host.allows(function)) {
    return {StatusCode::kDenied,
            host.self().str() + " does not let callers from outside call " + in_quotes(function) +
                ": its setting tasks.allow does not name it; the request was not executed"};
  }
  return check_may_call(call, function);
}

Status check_access(tasks::Host& host, const Call& call, std::uint64_t id, Act act) {
  if (is_unrestricted(host, call)) return {};
  auto right = host.processes().right_to(id);
  if (right && right->empty() && act == Act::kStop) *right = kEverything;
  if (!right || right->empty() || allows(host, call, *right)) return {};
  if (host.allows(*right)) return check_may_call(call, *right);
  return {StatusCode::kDenied,
          host.self().str() + " does not let callers from outside act on " +
              Pid{host.self().str(), id}.to_string() +
              ": its setting tasks.allow does not name the function of that process; the request "
              "was not executed"};
}

Status check_access(tasks::Host& host, const Call& call, std::string_view name) {
  if (is_unrestricted(host, call)) return {};
  return check_allowed(host, call, host.processes().right_to(name));
}

}  // namespace kvmesh::modules
