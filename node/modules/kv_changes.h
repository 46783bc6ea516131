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
using KvMore = std::deque<store::OpMore>;

/// Read the arguments of the functions that have more of them; what is wrong, `args` remembers.
void read_keys_to_read(Arguments& args, store::Op& op, KvMore& more);
void read_changes(Arguments& args, store::Op& op, KvMore& more);
void read_scan(Arguments& args, store::Op& op, KvMore& more);
void read_follow(Arguments& args, store::Op& op, KvMore& more);
void read_options(Arguments& args, store::Op& op, KvMore& more);

void pack(wire::Buffer& out, const store::Entries& entries);
void pack(wire::Buffer& out, const store::Applied& applied);
void pack(wire::Buffer& out, const store::ScanPage& page);
void pack(wire::Buffer& out, const store::Events& events);
void pack(wire::Buffer& out, const store::BucketOptions& options);

}  // namespace kvmesh::modules
