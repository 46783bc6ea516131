#include "node/tasks/catalogue.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>

#include "common/mesh/requests.h"
#include "common/text.h"
#include "common/wire/pack.h"

namespace kvmesh::tasks {
namespace {

constexpr std::size_t kNearestMax = 3;

std::string parameters_of(const TaskFunction& function) {
  std::string out;
  for (const auto& parameter : function.parameters) {
    out.append(out.empty() ? "" : ", ").append(parameter);
  }
  return out;
}

}  // namespace

Status Catalogue::add(Module module) {
  std::string faults;
  const auto fault = [&faults](const std::string& text) {
    faults.append(faults.empty() ? "" : "\n").append(text);
  };
  if (const auto status = module.check(); !status.ok()) fault(status.text());
  for (const auto& loaded : modules_) {
    if (loaded.name() == module.name()) {
      fault("module " + quoted(module.name()) + " is loaded already");
    }
    for (const auto& server : module.servers()) {
      if (std::ranges::find(loaded.servers(), server.name, &ServerDefinition::name) !=
          loaded.servers().end()) {
        fault("module " + module.name() + ": server " + quoted(server.name) +
              " is there already, of the module " + loaded.name());
      }
    }
  }
  if (!faults.empty()) return {StatusCode::kInvalidArgument, faults};

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
  std::string text = std::string{node} + " has no function " + quoted(function) +
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
  text += "; the nearest of its " + std::to_string(nearest.size()) + " functions: ";
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& near = *functions_[places_.find(nearest[i].second)->second];
    text.append(i == 0 ? "" : ", ").append(near.name).append("(").append(parameters_of(near));
    text.append(")");
  }
  return {StatusCode::kUndefinedFunction, text};
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
