#include "client/command/mesh_names.h"

#include <kvmesh/mesh.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "client/command/buckets/bucket_list.h"
#include "client/command/nodes/info_text.h"
#include "client/command/tasks/task_runs.h"
#include "client/command/tasks/task_texts.h"
#include "client/outcome.h"
#include "common/functions.h"

namespace kvmesh::command {
namespace {

using command_line::Wanted;
using Texts = std::vector<std::string>;

constexpr std::chrono::milliseconds kQuestionMax{300};
constexpr std::chrono::milliseconds kWholeMeshMax{600};  // and the question under way then
constexpr std::uint32_t kNamesMax = 500;

// While it lives, requests of the session take no longer than a question may.
class Hurry {
 public:
  explicit Hurry(Session& session) : session_(session), before_(session.options.timeout) {
    session.options.timeout = std::min(before_, kQuestionMax);
  }
  ~Hurry() { session_.options.timeout = before_; }
  Hurry(const Hurry&) = delete;
  Hurry& operator=(const Hurry&) = delete;

 private:
  Session& session_;
  std::chrono::milliseconds before_;
};

Texts nodes(Session& session, Client& client) {
  const auto told = client.info({}, session.timeout());
  if (!told) return {};
  Texts out{text_at(*told, "name")};
  for (const auto& peer : list_at(*told, "peers")) out.push_back(text_at(peer, "name"));
  for (const auto& via : list_at(*told, "vias")) out.push_back(text_at(via, "name"));
  return out;
}

Texts buckets(Session& session, Client& client, const Wanted& wanted) {
  auto bounds = names_with(wanted.begin);
  if (!wanted.node.empty()) {
    auto names = BucketList{client, wanted.node, std::move(bounds), session.timeout()}.next();
    return names ? *std::move(names) : Texts{};
  }
  const auto until = std::chrono::steady_clock::now() + kWholeMeshMax;
  auto all = MeshBuckets::open(session, bounds, until);
  return all ? all->next(kNamesMax).names : Texts{};
}

Texts keys(Session& session, const Wanted& wanted) {
  const auto bounds = names_with(wanted.begin);
  auto page =
      client::names_of(session.call(ops::keys(wanted.bucket, bounds.after, kNamesMax), wanted.node),
                       functions::kKvKeys.name);
  return page ? std::move(page->names) : Texts{};
}

Texts functions_of(Session& session, Client& client, const Wanted& wanted) {
  std::string node = wanted.node;
  if (!wanted.bucket.empty()) {  // wherever that belongs
    const auto owner = client.route(wanted.bucket, session.timeout());
    if (!owner) return {};
    node = *owner;
  }
  const auto told =
      client.mesh().call({session.timeout(), nullptr}, node, functions::kTaskModules.name);
  return told ? module_functions(*told) : Texts{};
}

// Those that can be sent to and be told to stop.
Texts pids(Session& session, Client& client, const Wanted& wanted) {
  const auto slash = wanted.begin.find('/');
  const auto begin = wanted.begin.find_first_not_of('<');
  const std::string node =
      slash == std::string::npos ? wanted.node : wanted.begin.substr(begin, slash - begin);
  const auto told =
      client.mesh().call({session.timeout(), nullptr}, node, functions::kTaskList.name);
  const auto* list = told ? told->get_if<Value::List>() : nullptr;
  if (list == nullptr) return {};
  Texts out;
  for (const auto& task : *list) {
    std::string pid = text_at(task, "pid");
    if (pid.size() < 2 || text_at(task, "state") == "stopping") continue;
    if (pid.front() == '<' && pid.back() == '>') pid = pid.substr(1, pid.size() - 2);
    out.push_back(std::move(pid));
  }
  return out;
}

}  // namespace

std::vector<std::string> MeshNames::names(const Wanted& wanted) {
  using enum command_line::Names;
  const Hurry hurry{session_};
  const auto connected = session_.client();
  if (!connected) return {};
  auto& client = **connected;
  const auto servers = [&](const std::string& node) {
    auto told = servers_of(client.mesh(), node, session_.timeout());
    return told ? *std::move(told) : Value{};
  };
  switch (wanted.what) {
    case kNodes:
      return nodes(session_, client);
    case kBuckets:
      return buckets(session_, client, wanted);
    case kKeys:
      return keys(session_, wanted);
    case kFunctions:
      return functions_of(session_, client, wanted);
    case kServers:
      return server_names(servers(wanted.node));
    case kServerFunctions:
      return server_functions(servers(wanted.node), wanted.server);
    case kPids:
      return pids(session_, client, wanted);
    case kReceivers: {
      auto out = pids(session_, client, wanted);
      std::ranges::move(nodes(session_, client), std::back_inserter(out));
      return out;
    }
    case kServersOrValue:
      if (wanted.receiver.find('/') != std::string::npos) return {};
      return server_names(servers(wanted.receiver));
    default:
      return {};
  }
}

}  // namespace kvmesh::command
