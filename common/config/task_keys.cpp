#include "common/config/task_keys.h"

#include <string>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>

#include "common/config/allowed.h"
#include "common/config/key_kinds.h"
#include "common/text.h"

namespace kvmesh::config {
namespace {

constexpr std::size_t kModulesMax = 256;
constexpr std::size_t kPatternsMax = 1024;

Status check_path(const std::string& path) {
  if (path.empty()) {
    return {StatusCode::kInvalidArgument, "holds an empty path; name a shared object"};
  }
  if (path.find('\0') != std::string::npos) {
    return {StatusCode::kInvalidArgument,
            in_quotes(path) + " holds a zero byte; name a shared object"};
  }
  return {};
}

std::vector<std::string> paths_of(const Settings& settings) {
  std::vector<std::string> out;
  for (const auto& module : settings.modules) out.push_back(module.path);
  return out;
}

KeySpec allow_key() {
  KeySpec spec = plain("tasks.allow", "",
                       "Which functions of modules callers from outside may call, and whose "
                       "processes they may cancel, restart, list and send to; others get `denied`. "
                       "`kv` and `node` are not affected. Without this key: every function of "
                       "the loaded modules; `[]`: none.");
  spec.optional = true;
  spec.range = "at most " + std::to_string(kPatternsMax) +
               R"( patterns: "module.function", "module.*" or "*")";
  spec = strings_key(std::move(spec), R"(allow = ["hello.*"])", kPatternsMax,
                     {[](const std::string& pattern) { return Allowed::parse({pattern}).status(); },
                      [](Settings& s, const std::vector<std::string>& patterns) {
                        s.tasks.allow = *Allowed::parse(patterns);
                      },
                      [](const Settings& s) { return s.tasks.allow.patterns(); }});
  // An empty list is another thing than none.
  spec.show = [show = std::move(spec.show)](const Settings& s) {
    return s.tasks.allow.restricted() ? show(s) : "not set";
  };
  return spec;
}

}  // namespace

KeySpec modules_key() {
  KeySpec spec = plain("modules", "",
                       "Shared objects with functions that this node runs as tasks, loaded at the "
                       "start in this order. A relative path starts at the folder of the file that "
                       "names it; one of the environment or `--set`, at the working directory.");
  spec.range = "at most " + std::to_string(kModulesMax) + " paths";
  spec = strings_key(std::move(spec), R"(modules = ["/usr/local/lib/libhello.so"])", kModulesMax,
                     {check_path,
                      [](Settings& s, const std::vector<std::string>& paths) {
                        s.modules.clear();
                        for (const auto& path : paths) s.modules.push_back({path, {}, false});
                      },
                      paths_of});
  spec.store = [store = std::move(spec.store)](const Value& value, Draft& draft, Faults& faults) {
    store(value, draft, faults);
    if (!draft.sound("modules")) return;
    auto& modules = draft.settings.modules;
    for (std::size_t i = 0; i < modules.size(); ++i) {
      const auto& place = value.children[i].place;
      modules[i] = {path_from(modules[i].path, place), place.to_string(),
                    place.origin == Place::Origin::kFile};
    }
  };
  return spec;
}

std::vector<KeySpec> task_keys() {
  std::vector<KeySpec> out;
  out.push_back(count_key(plain("tasks.workers", "threads", "Threads that run tasks."), 1, 256,
                          [](Settings& s) -> std::size_t& { return s.tasks.workers; }));
  out.push_back(count_key(
      plain("tasks.queue_max", "tasks", "Tasks that may wait to begin; one more is `overloaded`."),
      1, 1000000, [](Settings& s) -> std::size_t& { return s.tasks.queue_max; }));
  out.push_back(count_key(plain("tasks.processes_max", "processes",
                                "Tasks, servers and mailboxes at once; one more is `overloaded`."),
                          1, 1000000,
                          [](Settings& s) -> std::size_t& { return s.tasks.processes_max; }));
  out.push_back(milliseconds_key(
      plain("tasks.time_limit_ms", "",
            "The longest that any task may run, whatever its caller asks for; then it is told to "
            "stop. 0: no bound. Servers and permanent tasks have none."),
      0, limits::kTimeoutMax.count(),
      [](Settings& s) -> std::chrono::milliseconds& { return s.tasks.time_limit; }));
  out.push_back(size_key(
      plain("tasks.stack_bytes", "",
            "The stack of each task. Memory is taken as it is touched, so a large one costs a "
            "waiting task 2 KiB for each MiB, at most 4. A task that needs more ends the node with "
            "a line that names it: raise this for deep recursion or large local variables. Code "
            "that is not built against kvmesh::module or kvmesh::node needs "
            "-fstack-clash-protection, or a large array may change another task's memory."),
      16384, 8388608, [](Settings& s) -> std::size_t& { return s.tasks.stack_bytes; }, 4096));
  out.push_back(allow_key());
  return out;
}

}  // namespace kvmesh::config
