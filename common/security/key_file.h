#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/status.h>

#include "common/security/keys.h"

/// Key files: what `kvmesh keygen` writes, and nodes and clients read. Does I/O on files.
namespace kvmesh::security {

/// A key with the name of the principal that it belongs to, as security.toml has it.
struct KeyFile {
  std::string principal;  // a user's name, or a node's: "foo@dc1"
  bool is_node = false;
  KeyPair keys;
  /// Of a user: the public keys of nodes, by the endpoint that they listen on, so that the client
  /// knows whom it speaks to; each has at least one, two while it is changed. Public, so it may be
  /// edited.
  std::map<std::string, std::vector<PublicKey>> nodes;
};

/// Reads a key file. kInvalidArgument, with the path, what is wrong and what to type, when it is no
/// regular file (a link too), belongs to somebody else but root, can be read or written by others,
/// stands in a folder that others may change, or is not what keygen writes. No text of a fault
/// holds anything of the file.
Result<KeyFile> read_key_file(const std::string& path);

/// Writes a new file with mode 0600, synced. kInvalidArgument when there is anything at `path`
/// already, kUnavailable when the system refuses.
Status write_key_file(const std::string& path, const KeyFile& key);
/// The same with any text.
Status write_secret_file(const std::string& path, std::string_view text);

}  // namespace kvmesh::security
