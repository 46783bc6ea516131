#include "common/config/node_files.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "common/text.h"

namespace kvmesh {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".toml";
constexpr std::string_view kPrincipals = "security.toml";  // is no node's

// The files of a directory; what cannot be listed is told in `faults`.
std::vector<std::string> files_in(const std::string& folder, std::vector<std::string>& faults) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator at{folder, error}, end; !error && at != end; at.increment(error)) {
    const auto name = at->path().filename().string();
    std::error_code ignored;  // what is no file, or gone, is passed over
    if (!name.ends_with(kEnding) || name.starts_with('.') || at->is_directory(ignored)) continue;
    if (name == kPrincipals) continue;
    out.push_back(at->path().string());
  }
  if (error) {
    faults.push_back(folder + ": directory: cannot be read: " + error.message() +
                     "; check the path and its permissions");
  } else if (out.empty()) {
    faults.push_back(folder + ": directory: holds no file that ends in " + std::string{kEnding} +
                     "; name the files, or the directory that holds them");
  }
  std::ranges::sort(out);
  return out;
}

// `mesh/foo.toml` and `./mesh//foo.toml` are the same file.
std::string same_for_same_file(const std::string& path) {
  std::error_code error;
  const auto canonical = fs::canonical(path, error);
  return error ? path : canonical.string();
}

}  // namespace

Result<std::vector<NodeFile>> read_node_files(const std::vector<std::string>& paths) {
  std::vector<std::string> faults;
  std::vector<NodeFile> out;
  std::set<std::string> seen;
  const auto read = [&](const std::string& path) {
    if (!seen.insert(same_for_same_file(path)).second) return;
    SettingsSources sources;
    sources.files = {path};
    auto loaded = load_settings(sources);
    if (loaded.ok()) {
      out.push_back({path, *std::move(loaded)});
    } else {
      faults.push_back(loaded.status().text());
    }
  };
  if (paths.empty()) faults.emplace_back("no configuration is named; name files or directories");
  for (const auto& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      read(path);  // says itself what is wrong with a path that leads nowhere
      continue;
    }
    for (const auto& file : files_in(path, faults)) read(file);
  }
  if (faults.empty()) return out;
  return Status{StatusCode::kInvalidArgument, joined(faults, "\n")};
}

}  // namespace kvmesh
