#pragma once

#include <cstddef>
#include <string_view>

#include "common/names.h"
#include "common/wire/buffer.h"
#include "node/tasks/process.h"
#include "node/tasks/supervision.h"

/// The results of the task, process and server functions as msgpack, appended to `out`. Pure
/// functions.
namespace kvmesh::tasks {

/// [node, id, key, [], 0, nil]: it runs, and there is no news. The output stays.
void pack_nothing_yet(wire::Buffer& out, const NodeName& self, const Process& process);
/// [node, id, key, output, 0, nil]: it runs. Empties the output; returns the credit this frees.
std::size_t pack_running(wire::Buffer& out, const NodeName& self, Process& process);
/// The same with 1 and the result: it is done. REQUIRES: its outcome is OK.
std::size_t pack_done(wire::Buffer& out, const NodeName& self, Process& process);
/// Whether pack_done()'s answer fits in a reply.
bool done_fits(const Process& process);

/// An array of [kind, from, body], of the oldest `most` messages or those of them that fit in a
/// reply; takes them out of the mailbox.
void pack_messages(wire::Buffer& out, Mailbox& mailbox, std::uint64_t most);
void pack_no_messages(wire::Buffer& out);

/// [alive, reason].
void pack_monitor(wire::Buffer& out, bool alive, std::string_view reason);

/// A map {pid, function, from, age_ms, state, mailbox, output}; of one that is supervised (else
/// null) with {restarts, restarts_counted, restarts_max, restarts_period_ms}, and {why} it ended
/// last.
void pack_row(wire::Buffer& out, const NodeName& self, const Process& process,
              const Supervised* supervised, std::string_view state, TimePoint now);
/// The same for one that does not run: pid and from are nil.
void pack_stopped_row(wire::Buffer& out, const Supervised& supervised, TimePoint now);

}  // namespace kvmesh::tasks
