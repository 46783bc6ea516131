#include "node/shared_module.h"

#include <dlfcn.h>
#include <unistd.h>

#include <exception>
#include <string_view>
#include <utility>

#include <kvmesh/plugin.h>

#include "common/text.h"

namespace kvmesh {
namespace {

constexpr const char* kEntry = "kvmesh_module";

using Named = Settings::ModuleFile;

// "foo.toml:3: modules: \"hello.so\"".
std::string prefix(const Named& named) {
  return named.place + ": modules: " + in_quotes(named.path, named.path.size());
}

Status fault(const Named& named, const std::string& text) {
  return {StatusCode::kInvalidArgument, prefix(named) + " " + text};
}

std::string last_error() {
  const char* text = dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps one for each thread
  return text == nullptr ? "the system does not say why" : text;
}

// A path without '/' would be looked for in the system's folders.
std::string with_folder(const std::string& path) {
  return path.find('/') == std::string::npos ? "./" + path : path;
}

std::string cannot_load(const Named& named, const std::string& error) {
  std::string text = "cannot be loaded: " + error;
  if (::access(with_folder(named.path).c_str(), F_OK) != 0) {
    text +=
        "; build it, or correct the path: a relative one starts at the folder of the file that "
        "names it";
  } else if (error.find("undefined symbol") != std::string::npos) {
    text +=
        "; build it with this version of kvmesh, and let the program that loads it export its "
        "symbols";
  }
  return text;
}

// `status`, with the shared object whose module it speaks of before each line.
Status in_module(const Named& named, const Status& status) {
  const auto place = prefix(named) + ": ";
  auto text = place + status.text();
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', end + 1)) {
    text.insert(end + 1, place);
  }
  return {status.code(), std::move(text)};
}

Result<Module> load(const Named& named) {
  void* file = dlopen(with_folder(named.path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (file == nullptr) return fault(named, cannot_load(named, last_error()));
  const auto* entry = static_cast<const PluginEntry*>(dlsym(file, kEntry));
  if (entry == nullptr) {
    return fault(named,
                 "is no module of kvmesh: it has no symbol kvmesh_module; add "
                 "KVMESH_MODULE(function) of <kvmesh/plugin.h> to it");
  }
  if (entry->version != kPluginVersion) {
    return fault(named, "was built for version " + std::to_string(entry->version) +
                            " of kvmesh's modules; this node takes version " +
                            std::to_string(kPluginVersion) + "; build it anew");
  }
  if (std::string_view{entry->library} != kPluginLibrary ||
      entry->bytes_of_module != sizeof(Module)) {
    return fault(named, "was built with another standard library (" + std::string{entry->library} +
                            ") than this node (" + kPluginLibrary + "); build it anew");
  }
  try {
    return entry->make();
  } catch (const std::exception& error) {
    return fault(named, std::string{"threw when its module was made: "} + error.what());
  } catch (...) {
    return fault(named, "threw something that is no std::exception when its module was made");
  }
}

}  // namespace

Status load_shared_module(const Settings::ModuleFile& named,
                          const std::function<Status(Module)>& add) {
  auto module = load(named);
  if (!module) return module.status();
  auto status = add(*std::move(module));
  return status.ok() ? status : in_module(named, status);
}

}  // namespace kvmesh
