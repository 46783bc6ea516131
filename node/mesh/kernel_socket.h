#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace kvmesh::mesh {

/// A socket of this process that libzmq reads and closes: its number, and the kernel's cookie. A
/// number is given to another socket as soon as it is free, a cookie never. So what is done to a
/// cookie's socket is done to no other, whatever its number is used for meanwhile.
struct KernelSocket {
  int fd = -1;
  std::uint64_t cookie = 0;  // 0: none

  bool operator==(const KernelSocket&) const = default;
};

/// Which socket has this number now; the cookie is 0 when none has.
KernelSocket socket_at(int fd);

/// Bytes that were taken out of a TCP socket since it was connected; empty when it is not connected
/// (any more).
std::optional<std::uint64_t> bytes_taken(const KernelSocket& socket);

/// Where the mesh port listens, as "tcp://127.0.0.1:20801" says it. Tells its connections from all
/// other sockets of the process.
class ListeningAddress {
 public:
  /// Empty when it is no TCP endpoint with numbers.
  static std::optional<ListeningAddress> parse(const std::string& endpoint);
  /// Was this socket accepted there?
  bool accepted(const KernelSocket& socket) const;
  /// The socket of this process that listens there; its cookie is 0 when there is none. Looks at
  /// all descriptors below `limit`.
  KernelSocket find_listener(int limit) const;

 private:
  bool is_of(int fd) const;

  std::string host_;  // empty: all addresses
  std::uint16_t port_ = 0;
};

/// Makes a listening socket drop what newcomers send, or take them again. Those that are connected
/// notice nothing. False when that is not possible.
bool set_closed(const KernelSocket& listener, bool closed);

/// Two descriptors of no use by themselves, kept for the moment when there are no others: then a
/// socket can still be held by a second number, which keeps the first from being another's.
class SpareDescriptors {
 public:
  SpareDescriptors();
  ~SpareDescriptors();
  SpareDescriptors(const SpareDescriptors&) = delete;
  SpareDescriptors& operator=(const SpareDescriptors&) = delete;

  /// Ends the connection of this very socket, as if its far side had left; false when it is gone.
  bool shut_down(const KernelSocket& socket);
  /// Is a number below this one free? The kernel gives the lowest away first, so when none is, all
  /// of those are in use.
  bool is_free_below(int limit) const;

 private:
  int null_;
  int spare_;
};

}  // namespace kvmesh::mesh
