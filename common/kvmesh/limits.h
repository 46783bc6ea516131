#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every bound of kvmesh in one place. The unit ends the name. Each bound can be reached exactly;
/// one more is refused with `too_large` (or the code named beside it) and a text that holds both
/// numbers. config/README.md lists the same numbers for operators; a test keeps the two equal.
namespace kvmesh::limits {

// What a user stores.
inline constexpr std::size_t kBucketNameBytesMax = 1024;
inline constexpr std::size_t kKeyBytesMax = 1024;
inline constexpr std::size_t kValueBytesMax = 1024 * 1024;

// The mesh wire (common/PROTOCOL.md).
/// One ZeroMQ message: header and records.
inline constexpr std::size_t kFrameBytesMax = 4 * 1024 * 1024;
/// One request or reply, length prefix excluded.
inline constexpr std::size_t kRecordBytesMax = 2 * 1024 * 1024;
/// What of it passes every hop unchanged.
inline constexpr std::size_t kBodyBytesMax = kRecordBytesMax - 64 * 1024;
/// The trace of a reply; hops that do not fit are left out.
inline constexpr std::size_t kTraceBytesMax = 32 * 1024;
/// Content of PING and of PONG.
inline constexpr std::size_t kPingBytesMax = 64;
/// A batch of requests, or of replies, that is this long leaves before the pass ends: so the next
/// node works on it while this one goes on.
inline constexpr std::size_t kRequestBatchBytes = 16 * 1024;
inline constexpr std::size_t kReplyBatchBytes = 8 * 1024;
/// Buffers of connections that are larger are given back when they are empty.
inline constexpr std::size_t kBufferBytesKept = 64 * 1024;
inline constexpr std::size_t kNodeNameBytesMax = 255;
inline constexpr std::size_t kFunctionNameBytesMax = 255;
inline constexpr std::size_t kUserNameBytesMax = 64;
/// Longer error texts are cut, not refused.
inline constexpr std::size_t kErrorTextBytesMax = 4096;
/// `too_many_hops`.
inline constexpr std::uint32_t kHopsMax = 16;
/// Depth of a msgpack value in arguments and results.
inline constexpr std::uint32_t kNestingMax = 16;
/// Elements of all containers of one value, together.
inline constexpr std::uint32_t kValueItemsMax = 1024 * 1024;
/// Names in one page of `kv.keys`, `kv.buckets` and `kv.scan`, and changes in one of `kv.changes`.
inline constexpr std::uint32_t kPageItemsMax = 10000;
inline constexpr std::uint32_t kPageItemsDefault = 1000;
/// A page ends early rather than grow beyond this.
inline constexpr std::size_t kPageBytesMax = 1024 * 1024;
/// Keys of one `kv.read`, and their values together: one value fits, however long it is.
inline constexpr std::uint32_t kReadKeysMax = 1000;
inline constexpr std::size_t kReadBytesMax = 1536 * 1024;
/// Changes of one `kv.apply`, and its checks.
inline constexpr std::uint32_t kApplyChangesMax = 128;
inline constexpr std::uint32_t kApplyChecksMax = 128;
/// Keys and values of the changes of one, together.
inline constexpr std::size_t kApplyBytesMax = kReadBytesMax;
/// The id of a call that must not be executed twice.
inline constexpr std::size_t kOnceIdBytes = 16;
/// The revision with which a key is restored: what JSON can say exactly.
inline constexpr std::uint64_t kRevisionMax = (std::uint64_t{1} << 53) - 1;
/// Changes that a node remembers for those who follow buckets: of all buckets together.
inline constexpr std::size_t kEventRingsBytesMax = 64 * 1024 * 1024;
/// Calls that wait for changes, at one node; `overloaded`.
inline constexpr std::uint32_t kFollowersMax = 10000;
/// Pages of many names that wait at a reactor for their turn to be gathered; `overloaded`.
inline constexpr std::uint32_t kPagesWaitingMax = 1024;

// Time.
inline constexpr std::chrono::milliseconds kTimeoutDefault{5000};
inline constexpr std::chrono::milliseconds kTimeoutMax{std::chrono::hours{24}};
/// `kv.changes` waits for changes for this long at most.
inline constexpr std::chrono::milliseconds kChangesWaitMax{10000};
/// Until a key expires: 100 years.
inline constexpr std::chrono::milliseconds kTtlMax{std::chrono::hours{24 * 36525}};

// What is under way at once; beyond it `overloaded`.
/// Forwarded requests of one reactor.
inline constexpr std::uint32_t kInFlightMax = 262144;
/// Of those, over one link.
inline constexpr std::uint32_t kInFlightPerLinkMax = 65536;
inline constexpr std::size_t kInFlightBytesPerLinkMax = 32 * 1024 * 1024;
inline constexpr std::size_t kPeersMax = 1024;
inline constexpr std::size_t kRoutingEntriesMax = 1024;
/// Nodes and users of security.toml together, and what one of them may do.
inline constexpr std::size_t kPrincipalsMax = 4096;
inline constexpr std::size_t kGrantsMax = 64;
/// Connections to the mesh port that said HELLO.
inline constexpr std::size_t kMeshClientsMax = 10000;
/// Unread replies of one of them.
inline constexpr std::size_t kMeshClientReplyBytesMax = 16 * 1024 * 1024;
/// The same of all of them together. Each may leave as much unread as is left of it, so those who
/// never read end up with equal shares, and there is always one more share for who does.
inline constexpr std::size_t kMeshReplyBytesMax = 256 * 1024 * 1024;

// The line protocol.
/// Line end excluded; 64: the verb and white space.
inline constexpr std::size_t kLineBytesMax =
    kValueBytesMax + kKeyBytesMax + kBucketNameBytesMax + 64;
inline constexpr std::size_t kTcpConnectionsDefault = 10000;
/// Requests of one connection without their reply.
inline constexpr std::size_t kTcpPipelineMax = 1024;
/// The same in bytes of replies to expect, as large as its last ones were; at least one request is
/// taken.
inline constexpr std::size_t kTcpPipelineBytes = 4 * 1024 * 1024;
/// Unread replies at which reading pauses.
inline constexpr std::size_t kTcpUnreadBytesMax = 256 * 1024;
/// Unread replies and unfinished lines of all connections together, an equal share for each
/// reactor.
inline constexpr std::size_t kTcpBufferedBytesMax = 256 * 1024 * 1024;

// Tasks and processes.
/// A poll (task.next, process.receive, process.monitor) is answered after this long, news or not.
inline constexpr std::chrono::milliseconds kTaskSlice{500};
/// An asker that has not polled for this long is gone.
inline constexpr std::chrono::milliseconds kTaskLease{1500};
/// Default of `tasks.processes_max`; beyond it `overloaded`.
inline constexpr std::size_t kProcessesMax = 200000;
/// Messages of one mailbox, and their bytes; beyond them `overloaded`. The same bounds hold for the
/// timed messages that one process has to come.
inline constexpr std::size_t kMailboxMessagesMax = 10000;
inline constexpr std::size_t kMailboxBytesMax = 8 * 1024 * 1024;
/// Messages of all mailboxes of a node together; beyond it `overloaded`.
inline constexpr std::size_t kMailboxesBytesMax = 512 * 1024 * 1024;
/// Output of one task that is not handed over yet; beyond it the task waits.
inline constexpr std::size_t kTaskOutputBytesMax = 256 * 1024;
/// The result of a task.
inline constexpr std::size_t kTaskResultBytesMax = kBodyBytesMax - 1024;
/// Ended processes whose reason is still told to those who monitored them.
inline constexpr std::size_t kEndedReasonsMax = 10000;

static_assert(kBucketNameBytesMax + kKeyBytesMax + kValueBytesMax + 1024 <= kBodyBytesMax,
              "the largest put fits in a body");
static_assert(kBodyBytesMax + kTraceBytesMax + 64 <= kRecordBytesMax,
              "a reply with a full trace fits in a record");
static_assert(kHopsMax * (kNodeNameBytesMax + 32) <= 64 * 1024,
              "a full path fits in the room left for it");
static_assert(kPageBytesMax + kKeyBytesMax + 64 * 1024 <= kBodyBytesMax,
              "the largest page fits in a body");
static_assert(kValueBytesMax <= kReadBytesMax && kReadBytesMax + kReadKeysMax * 64 <= kBodyBytesMax,
              "what is read at once fits in a body");
static_assert(kRequestBatchBytes + kRecordBytesMax + 64 <= kFrameBytesMax,
              "a batch may end with a record of any size");
static_assert(kInFlightPerLinkMax <= kInFlightMax);
static_assert(kRecordBytesMax <= kInFlightBytesPerLinkMax,
              "the largest record passes an idle link");
static_assert(2 * kMeshClientReplyBytesMax <= kMeshReplyBytesMax,
              "one connection alone has its whole bound");
static_assert(kTaskSlice * 2 < kTaskLease, "one lost poll does not end a task");
static_assert(kTaskOutputBytesMax * 5 + 1024 <= kBodyBytesMax,
              "a full window of output in single bytes fits in a body");
static_assert(kNodeNameBytesMax + 128 <= kBodyBytesMax - kTaskResultBytesMax,
              "the largest result fits in a body");
static_assert(kBodyBytesMax <= kMailboxBytesMax, "an empty mailbox takes the largest message");
static_assert(kMailboxBytesMax <= kMailboxesBytesMax);

}  // namespace kvmesh::limits
