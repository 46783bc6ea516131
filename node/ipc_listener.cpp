#include "node/ipc_listener.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <system_error>
#include <thread>
#include <utility>

namespace kvmesh {
namespace {

constexpr int kBacklog = 4096;
constexpr std::chrono::milliseconds kLockWait{2000};
constexpr std::chrono::milliseconds kLockRetry{10};

Status refused(int number) {
  return {StatusCode::kUnavailable, std::generic_category().message(number)};
}

Status in_use() {
  return {StatusCode::kUnavailable,
          std::generic_category().message(EADDRINUSE) + "; another process listens there"};
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

int unix_socket() { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

// REQUIRES: the path was found short enough (check_endpoint()).
std::pair<sockaddr_un, socklen_t> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const bool is_abstract = path.front() == '@';
  if (is_abstract) address.sun_path[0] = '\0';
  const auto bytes = offsetof(sockaddr_un, sun_path) + path.size() + (is_abstract ? 0 : 1);
  return {address, static_cast<socklen_t>(bytes)};
}

template <typename Call>
int with_address(const std::string& path, Call call) {
  const auto [address, bytes] = address_of(path);
  const auto* any = reinterpret_cast<const sockaddr*>(&address);  // NOLINT: the socket API's cast
  return call(any, bytes);
}

// Of the folder, so that of two nodes that find the same forsaken socket only one replaces it.
// Where the system has no such lock, or takes too long, we go on without.
Descriptor lock_folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  const auto folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int number = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (auto waited = kLockWait * 0; number >= 0 && waited < kLockWait; waited += kLockRetry) {
    if (::flock(number, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) break;
    std::this_thread::sleep_for(kLockRetry);
  }
  return Descriptor{number};
}

}  // namespace

Result<std::unique_ptr<IpcListener>> IpcListener::open(const std::string& path) {
  std::unique_ptr<IpcListener> listener{new IpcListener};
  if (auto status = listener->bind(path); !status.ok()) return status;
  return listener;
}

Status IpcListener::bind(const std::string& path) {
  const bool has_file = path.front() != '@';
  const auto lock = has_file ? lock_folder_of(path) : Descriptor{-1};
  if (has_file) {
    if (auto status = make_room(path); !status.ok()) return status;
  }
  descriptor_ = unix_socket();
  if (descriptor_ < 0) return refused(errno);
  // Before the file is there: on Linux it gets the mode that the socket has.
  if (::fchmod(descriptor_, S_IRUSR | S_IWUSR) != 0) return refused(errno);
  const auto bound = with_address(
      path, [&](const auto* address, auto bytes) { return ::bind(descriptor_, address, bytes); });
  if (bound != 0) return errno == EADDRINUSE ? in_use() : refused(errno);
  struct stat made {};
  if (has_file && ::lstat(path.c_str(), &made) == 0) {
    file_ = path;
    device_ = made.st_dev;
    inode_ = made.st_ino;
  }
  shared_ = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
  return shared_ >= 0 && ::listen(descriptor_, kBacklog) == 0 ? Status{} : refused(errno);
}

// Removes a socket that nobody listens on.
Status IpcListener::make_room(const std::string& path) {
  struct stat there {};
  if (::lstat(path.c_str(), &there) != 0) return errno == ENOENT ? Status{} : refused(errno);
  if (!S_ISSOCK(there.st_mode)) {
    return {StatusCode::kUnavailable, "what is there is no socket, and is left alone"};
  }
  const Descriptor probe{unix_socket()};
  if (probe.get() < 0) return refused(errno);
  const auto reached = with_address(path, [&](const auto* address, auto bytes) {
    return ::connect(probe.get(), address, bytes);
  });
  if (reached == 0 || errno == EAGAIN) return in_use();  // EAGAIN: others wait for it already
  if (errno == ENOENT) return {};
  if (errno != ECONNREFUSED) return refused(errno);
  return ::unlink(path.c_str()) == 0 || errno == ENOENT ? Status{} : refused(errno);
}

int IpcListener::release() { return std::exchange(shared_, -1); }

IpcListener::~IpcListener() {
  struct stat there {};
  if (!file_.empty() && ::lstat(file_.c_str(), &there) == 0 && there.st_dev == device_ &&
      there.st_ino == inode_) {
    ::unlink(file_.c_str());
  }
  for (const int number : {shared_, descriptor_}) {
    if (number >= 0) ::close(number);
  }
}

}  // namespace kvmesh
