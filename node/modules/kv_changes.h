#pragma once

#include <deque>
#include <string_view>
#include <vector>

#include "common/wire/buffer.h"
#include "node/modules/arguments.h"
#include "node/store/engine.h"

/// The functions of the module `kv` that read and change several keys at once: their arguments and
/// results (common/PROTOCOL.md, "Functions").
namespace kvmesh::modules {

/// What operations point to, until it is cleared.
class KvLists {
 public:
  std::vector<std::string_view>& new_keys() { return keys_.emplace_back(); }
  std::vector<store::Check>& new_checks() { return checks_.emplace_back(); }
  std::vector<store::Change>& new_changes() { return changes_.emplace_back(); }
  void clear() {
    keys_.clear();
    checks_.clear();
    changes_.clear();
  }

 private:
  std::deque<std::vector<std::string_view>> keys_;
  std::deque<std::vector<store::Check>> checks_;
  std::deque<std::vector<store::Change>> changes_;
};

/// Read the arguments of `kv.read` and `kv.apply`; what is wrong with them, `args` remembers.
void read_keys_to_read(Arguments& args, store::Op& op, KvLists& lists);
void read_changes(Arguments& args, store::Op& op, KvLists& lists);

void pack_entries(wire::Buffer& out, const store::Entries& entries);
void pack_applied(wire::Buffer& out, const store::Applied& applied);

}  // namespace kvmesh::modules
