#include "node/tasks/catalogue.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>

#include "common/functions.h"
#include "common/remote/requests.h"
#include "common/text.h"
#include "common/wire/pack.h"

namespace kvmesh::tasks {
namespace {

constexpr std::size_t kNearestMax = 3;

std::string parameters_of(const TaskFunction& function) {
  return joined(function.parameters, ", ");
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

Status Catalogue::undefined(std::string_view node, std::string_view function,
                            std::size_t arguments) const {
  std::string text = std::string{node} + " has no function " + in_quotes(function) +
                     ", which was to be called with " + std::to_string(arguments) +
                     (arguments == 1 ? " argument" : " arguments");
  if (functions_.empty()) {
    return {StatusCode::kUndefinedFunction, text + "; no module is loaded there"};
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

void Catalogue::list(wire::Buffer& out) const {
  wire::pack_array(out, places_.size());
  for (const auto& [name, place] : places_) {
    const auto& function = *functions_[place];
    wire::pack_array(out, 3);
    wire::pack_str(out, name);
    wire::pack_str(out, parameters_of(function));
    wire::pack_uint(out, function.parameters.size());
  }
}

}  // namespace kvmesh::tasks
