#include "node/tasks/catalogue.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>

#include "common/functions.h"
#include "common/remote/requests.h"
#include "common/text.h"
#include "common/wire/pack.h"
#include "node/tasks/server_hint.h"

namespace kvmesh::tasks {
namespace {

constexpr std::size_t kNearestMax = 3;

std::string parameters_of(const TaskFunction& function) {
  return joined(function.parameters, ", ");
}

void pack_function(wire::Buffer& out, std::string_view name,
                   const std::vector<std::string>& parameters, std::string_view doc) {
  wire::pack_array(out, doc.empty() ? 3 : 4);
  wire::pack_str(out, name);
  wire::pack_str(out, joined(parameters, ", "));
  wire::pack_uint(out, parameters.size());
  if (!doc.empty()) wire::pack_str(out, doc);
}

// Those that may be seen.
void pack_handlers(wire::Buffer& out, const ServerDefinition::Handlers& handlers,
                   const Catalogue::Visible& visible) {
  const auto count_at = wire::pack_open_array(out);
  std::uint32_t count = 0;
  for (const auto& [name, handler] : handlers) {
    if (!visible(handler.role.name)) continue;
    pack_function(out, name, handler.role.parameters, handler.doc);
    ++count;
  }
  out.put_u32(count_at, count);
}

bool shows_anything(const ServerDefinition& server, const Catalogue::Visible& visible) {
  const auto is_visible = [&](const auto& named) { return visible(named.second.role.name); };
  return visible(server.name + ".*") || std::ranges::any_of(server.calls, is_visible) ||
         std::ranges::any_of(server.casts, is_visible);
}

}  // namespace

Status Catalogue::add(Module module) {
  std::vector<std::string> faults;
  if (const auto status = module.check(); !status.ok()) faults.push_back(status.text());
  for (const auto& loaded : modules_) {
    if (loaded.name() == module.name()) {
      faults.push_back("module " + in_quotes(module.name()) + " is loaded already");
    }
    for (const auto& server : module.servers()) {
      if (std::ranges::find(loaded.servers(), server.name, &ServerDefinition::name) !=
          loaded.servers().end()) {
        faults.push_back("module " + module.name() + ": server " + in_quotes(server.name) +
                         " is there already, of the module " + loaded.name());
      }
    }
  }
  if (!faults.empty()) return {StatusCode::kInvalidArgument, joined(faults, "\n")};

  const auto& added = modules_.emplace_back(std::move(module));
  for (const auto& function : added.functions()) {
    places_.emplace(function.name, static_cast<std::uint32_t>(functions_.size()));
    functions_.push_back(&function);
  }
  for (const auto& server : added.servers()) servers_.push_back(&server);
  return {};
}

std::optional<FunctionIndex> Catalogue::find(std::string_view function) const {
  const auto found = places_.find(function);
  if (found == places_.end()) return std::nullopt;
  return FunctionIndex{found->second};
}

const ServerDefinition* Catalogue::find_server(std::string_view name) const {
  const auto found = std::ranges::find(servers_, name, &ServerDefinition::name);
  return found == servers_.end() ? nullptr : *found;
}

Status Catalogue::undefined(std::string_view node, std::string_view function, std::size_t arguments,
                            std::string_view args) const {
  std::string text = std::string{node} + " has no function " + in_quotes(function) +
                     ", which was to be called with " + std::to_string(arguments) +
                     (arguments == 1 ? " argument" : " arguments");
  const auto dot = function.find('.');
  if (const auto* server = find_server(function.substr(0, dot))) {
    const auto its = dot == std::string_view::npos ? std::string_view{} : function.substr(dot + 1);
    return {StatusCode::kUndefinedFunction, text + "; " + server_hint(*server, node, its, args)};
  }
  if (functions_.empty()) {
    return {StatusCode::kUndefinedFunction,
            text + (empty() ? "; no module is loaded there" : "; its modules have servers only")};
  }
  std::vector<std::pair<std::size_t, std::string_view>> nearest;
  for (const auto& [name, place] : places_)
    nearest.emplace_back(edit_distance(function, name), name);
  const auto shown = std::min(nearest.size(), kNearestMax);
  std::partial_sort(nearest.begin(), nearest.begin() + static_cast<std::ptrdiff_t>(shown),
                    nearest.end());
  std::vector<std::string> calls;
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& near = *functions_[places_.find(nearest[i].second)->second];
    calls.push_back(near.name + "(" + parameters_of(near) + ")");
  }
  text += "; the nearest of its " + std::to_string(nearest.size()) + " functions: ";
  return {StatusCode::kUndefinedFunction, text + joined(calls, ", ")};
}

std::string Catalogue::how_to_call(std::string_view function) const {
  if (find(function)) {
    return "a function of a module, which runs as a task; call it with " +
           functions::kTaskRun.str();
  }
  const auto server = function.substr(0, std::min(function.find('.'), function.size()));
  const auto is_this = [server](const auto* one) { return one->name == server; };
  if (server.size() == function.size() || !std::ranges::any_of(servers_, is_this)) return {};
  return "for the server " + in_quotes(server) + "; call it with " + functions::kServerCall.str() +
         " or " + functions::kServerCast.str();
}

void Catalogue::list(wire::Buffer& out, const Visible& visible) const {
  std::vector<std::pair<std::string_view, const TaskFunction*>> shown;
  for (const auto& [name, place] : places_) {
    if (visible(name)) shown.emplace_back(name, functions_[place]);
  }
  wire::pack_array(out, shown.size());
  for (const auto& [name, function] : shown) {
    pack_function(out, name, function->parameters, function->doc);
  }
}

void Catalogue::list_servers(wire::Buffer& out, const Visible& visible) const {
  std::map<std::string_view, const ServerDefinition*> sorted;
  for (const auto* server : servers_) {
    if (shows_anything(*server, visible)) sorted.emplace(server->name, server);
  }
  wire::pack_array(out, sorted.size());
  for (const auto& [name, server] : sorted) {
    wire::pack_array(out, 3);
    wire::pack_str(out, name);
    pack_handlers(out, server->calls, visible);
    pack_handlers(out, server->casts, visible);
  }
}

}  // namespace kvmesh::tasks
