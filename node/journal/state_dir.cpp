#include "node/journal/state_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <map>
#include <sstream>
#include <system_error>
#include <utility>

#include "common/text.h"

namespace kvmesh::journal {
namespace {

constexpr std::string_view kFolderFormat = "1";

Status refused(std::string text) { return {StatusCode::kUnavailable, std::move(text)}; }

std::string words_of(int number) { return std::generic_category().message(number); }

std::string time_text() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

// What an empty folder may have: a lock that was taken in vain, what file systems put there, and
// the file `node` in the making.
bool is_empty(const std::vector<std::string>& names, std::string& strange) {
  for (const auto& name : names) {
    if (name == "lock" || name == "lost+found" || name == "node.new") continue;
    strange = name;
    return false;
  }
  return true;
}

std::map<std::string, std::string> parsed(const std::string& text) {
  std::map<std::string, std::string> values;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find(" = ");
    if (equals != std::string::npos) values[line.substr(0, equals)] = line.substr(equals + 3);
  }
  return values;
}

std::string holder_of(int descriptor) {
  std::array<char, 32> text{};
  const auto bytes = ::pread(descriptor, text.data(), text.size() - 1, 0);
  std::string pid = bytes > 0 ? std::string(text.data(), static_cast<std::size_t>(bytes)) : "";
  while (!pid.empty() && (pid.back() < '0' || pid.back() > '9')) pid.pop_back();
  return pid.empty() ? "another process" : "process " + pid;
}

}  // namespace

std::string in_state_dir(const std::string& path) { return "state_dir " + in_quotes(path, 4096); }

std::string StateDir::node_file(const std::string& node, bool is_new) {
  return "format = " + std::string{kFolderFormat} + "\nnode = " + node +
         "\nstate = " + (is_new ? "creating" : "ready") + "\n";
}

Result<std::unique_ptr<StateDir>> StateDir::open(const std::string& path, const std::string& node,
                                                 const Files& files) {
  std::unique_ptr<StateDir> dir{new StateDir(path, node, files)};
  auto status = dir->inspect();
  if (status.ok()) status = dir->lock();
  // Another one may have been at work until now.
  if (status.ok()) status = dir->inspect();
  if (!status.ok()) return status;
  return dir;
}

StateDir::~StateDir() {
  if (lock_ >= 0) ::close(lock_);
}

Status StateDir::inspect() {
  const auto names = files_.list(path_);
  if (!names.ok()) {
    return refused(in_state_dir(path_) + " cannot be read: " + names.status().text() +
                   "; give this user the right to it, or another folder");
  }
  is_new_ = true;
  if (!names->has_value()) return {};
  const auto text = files_.read(path_ + "/node");
  if (!text.ok()) {
    return refused(in_state_dir(path_) +
                   ": its file `node` cannot be read: " + text.status().text());
  }
  if (text->has_value()) return read_node_file(**text);
  std::string strange;
  if (is_empty(**names, strange)) return {};
  return refused(in_state_dir(path_) + " has " + in_quotes(strange) +
                 " but no file `node`, so it is no state folder of kvmesh, or has lost that file; "
                 "name an empty folder or one that does not exist, or restore it from a backup");
}

Status StateDir::read_node_file(const std::string& text) {
  auto values = parsed(text);
  const auto& format = values["format"];
  const auto& node = values["node"];
  const auto& state = values["state"];
  if (!format.empty() && format != kFolderFormat) {
    return refused(in_state_dir(path_) + " has the format " + in_quotes(format) +
                   ", and this program knows " + std::string{kFolderFormat} +
                   "; use the version of kvmesh that wrote it");
  }
  if (format.empty() || node.empty() || (state != "creating" && state != "ready")) {
    return refused(in_state_dir(path_) + ": its file `node` is damaged; it should read " +
                   in_quotes(node_file(node_, false), 512) +
                   ". Write that if the folder is of this node, or restore it from a backup");
  }
  if (node != node_) {
    return refused(in_state_dir(path_) + " is of the node " + in_quotes(node) +
                   ", and this node is " + in_quotes(node_) +
                   "; give each node a folder of its own");
  }
  is_new_ = state == "creating";
  return {};
}

Status StateDir::lock() {
  if (!files_.exists(path_)) {
    if (auto status = files_.make_folder(path_); !status.ok()) {
      return refused(in_state_dir(path_) + " cannot be made: " + status.text() +
                     "; its parent must exist and be writable");
    }
  }
  const auto file = path_ + "/lock";
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0) {
    return refused(in_state_dir(path_) + " cannot be written: " + file + ": " + words_of(errno) +
                   "; give this user the right to it, or another folder");
  }
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    if (reason != EWOULDBLOCK) {
      return refused(in_state_dir(path_) + " cannot be locked: " + file + ": " + words_of(reason) +
                     "; use a file system that has locks");
    }
    return refused(in_state_dir(path_) + " is in use by " + holder_of(lock_) +
                   "; stop that node first, or give this one a folder of its own");
  }
  // For people; the lock itself holds without it, so a full disk is no reason to end here.
  const auto pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_, 0) != 0) return {};
  [[maybe_unused]] const auto written = ::pwrite(lock_, pid.data(), pid.size(), 0);
  return {};
}

Status StateDir::begin() {
  auto status = files_.remove_folder(database());
  if (status.ok() && files_.exists(marker())) status = files_.remove(marker());
  if (status.ok()) status = files_.replace(path_ + "/node", node_file(node_, true));
  if (status.ok()) status = files_.make_folder(database());
  if (status.ok()) return {};
  return refused(in_state_dir(path_) + " cannot be filled: " + status.text());
}

Status StateDir::finish() {
  auto status = files_.replace(marker(), Marker::content({}));
  if (status.ok()) status = files_.replace(path_ + "/node", node_file(node_, false));
  if (status.ok()) return {};
  return refused(in_state_dir(path_) + " cannot be filled: " + status.text());
}

Result<std::optional<Durable>> StateDir::durable() const {
  const auto content = files_.read(marker());
  if (!content.ok()) return content.status();
  if (!content->has_value()) return std::optional<Durable>{};
  return Marker::read(**content);
}

Status StateDir::set_durable(const Durable& durable) {
  return files_.replace(marker(), Marker::content(durable));
}

Result<std::string> StateDir::note_loss(const std::string& what) {
  std::string line = time_text() + " " + what;
  if (auto status = files_.append_line(path_ + "/losses", line); !status.ok()) return status;
  return line;
}

}  // namespace kvmesh::journal
