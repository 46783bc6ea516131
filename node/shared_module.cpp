#include "node/shared_module.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <kvmesh/plugin.h>

#include "common/text.h"

namespace kvmesh {
namespace {

constexpr const char* kEntry = "kvmesh_module";
constexpr std::string_view kUndefinedSymbol = "undefined symbol: ";

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

// As it is in the source, where it is one of C++.
std::string demangled(const std::string& symbol) {
  int failed = 0;
  char* name = abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &failed);
  if (failed != 0 || name == nullptr) return symbol;
  std::string out{name};
  std::free(name);
  return out;
}

// What to do about "...: undefined symbol: _ZN4mine3addEii".
std::string missing_symbol(std::string_view symbol) {
  const auto name = demangled(std::string{symbol});
  if (name.find("kvmesh::") != std::string::npos) {
    return " (" + name +
           "); build it with this version of kvmesh, and let the program that loads it export its "
           "symbols";
  }
  return " (" + name +
         "); no source and no library of the module defines it: add what is missing to its "
         "add_library() or target_link_libraries()";
}

std::string cannot_load(const Named& named, const std::string& error) {
  std::string text = "cannot be loaded: " + error;
  if (::access(with_folder(named.path).c_str(), F_OK) != 0) {
    text += "; build it, or correct the path: a relative one starts at the ";
    text += named.in_file ? "folder of the file that names it" : "working directory";
  } else if (const auto at = error.find(kUndefinedSymbol); at != std::string::npos) {
    text += missing_symbol(std::string_view{error}.substr(at + kUndefinedSymbol.size()));
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

Status load_shared_modules(const std::vector<Settings::ModuleFile>& files,
                           const std::function<Status(Module)>& add) {
  std::vector<std::string> faults;
  for (const auto& named : files) {
    auto module = load(named);
    auto status = module.status();
    if (module) {
      status = add(*std::move(module));
      if (!status.ok()) status = in_module(named, status);
    }
    if (!status.ok()) faults.push_back(status.text());
  }
  if (faults.empty()) return {};
  return {StatusCode::kInvalidArgument, joined(faults, "\n")};
}

}  // namespace kvmesh
