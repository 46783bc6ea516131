#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <kvmesh/limits.h>

/// The functions that nodes have of their own (common/PROTOCOL.md, "Functions"), in one table: what
/// modules, codecs and adapters of a node know of them, the client and the command, the simulation
/// and the load generator. Nobody else writes down a function's name.
namespace kvmesh::functions {

/// Whom a call of the function may be for.
enum class For : std::uint8_t { kBucket, kNode, kEither };

/// What whoever calls the function must be allowed to (config/SECURITY.md), where a node knows
/// principals. A function for nodes that may be called for a bucket as well needs any right on it.
enum class Needs : std::uint8_t {
  kName,      ///< nothing but to be known by name
  kRead,      ///< to read the bucket
  kWrite,     ///< to write it
  kChange,    ///< to write it; only to read it where every argument is nil
  kAdmin,     ///< to administer
  kSomeCall,  ///< to call some function, whichever: mailboxes are of no use without
  kFunction,  ///< as kName, and what the function itself looks at: its arguments name more
};

/// An argument with a limit of its own.
struct Argument {
  std::string_view name;  // in messages; empty: there is none in this place
  std::size_t bytes_max = 0;
};

struct Function {
  std::string_view name;       // "kv.put"
  std::string_view arguments;  // as a call is written: "[key, value]"
  For target = For::kNode;
  bool is_repeatable = false;         // twice has the same effect as once, and the same result
  bool is_poll = false;               // waits for news: it is not slow, and asked again and again
  bool is_costly = false;             // takes time that grows with what is stored
  std::array<Argument, 2> limited{};  // its arguments, by their places
  Needs needs = Needs::kName;

  std::string str() const;
};

constexpr Function needing(Needs needs, Function function) {
  function.needs = needs;
  return function;
}

// The store.
inline constexpr Argument kArgKey{"key", limits::kKeyBytesMax};
inline constexpr Argument kArgValue{"value", limits::kValueBytesMax};
inline constexpr Argument kArgAfterKey{"name to go on after", limits::kKeyBytesMax};
inline constexpr Argument kArgAfterBucket{"name to go on after", limits::kBucketNameBytesMax};
inline constexpr Function kKvCreate = needing(
    Needs::kWrite, {"kv.create", "[ttl_ms or nil, history_bytes or nil]", For::kBucket, true});
inline constexpr Function kKvOptions = needing(
    Needs::kChange, {"kv.options", "[ttl_ms or nil, history_bytes or nil]", For::kBucket, true});
inline constexpr Function kKvDrop =
    needing(Needs::kWrite, {"kv.drop", "[]", For::kBucket, false, false, true});
inline constexpr Function kKvPut =
    needing(Needs::kWrite,
            {"kv.put", "[key, value]", For::kBucket, true, false, false, {kArgKey, kArgValue}});
inline constexpr Function kKvGet =
    needing(Needs::kRead, {"kv.get", "[key]", For::kBucket, true, false, false, {kArgKey}});
inline constexpr Function kKvDelete =
    needing(Needs::kWrite, {"kv.delete", "[key]", For::kBucket, true, false, false, {kArgKey}});
inline constexpr Function kKvCount = needing(Needs::kRead, {"kv.count", "[]", For::kBucket, true});
inline constexpr Function kKvKeys = needing(
    Needs::kRead, {"kv.keys", "[after, limit]", For::kBucket, true, false, true, {kArgAfterKey}});
inline constexpr Function kKvBuckets =
    needing(Needs::kFunction,
            {"kv.buckets", "[after, limit]", For::kNode, true, false, true, {kArgAfterBucket}});
inline constexpr Function kKvRead =
    needing(Needs::kRead, {"kv.read", "[[key ...]]", For::kBucket, true, false, true});
inline constexpr Function kKvApply =
    needing(Needs::kWrite, {"kv.apply", "[[[key, rev] ...], [[kind, key, ...] ...], once or nil]",
                            For::kBucket, false, false, true});
inline constexpr Function kKvScan =
    needing(Needs::kRead,
            {"kv.scan", "[prefix, after or nil, limit, values]", For::kBucket, true, false, true});
inline constexpr Function kKvChanges = needing(
    Needs::kRead, {"kv.changes", "[prefix, since, limit, wait_ms]", For::kBucket, true, true});
inline constexpr Function kKvHere =
    needing(Needs::kFunction,
            {"kv.here", "[bucket, function, [argument ...]]", For::kNode, false, false, true});

// The node.
inline constexpr Function kNodePing{"node.ping", "[any value, or none]", For::kEither, true};
inline constexpr Function kNodeName{"node.name", "[]", For::kEither, true};
inline constexpr Function kNodeInfo{"node.info", "[]", For::kEither, true};
inline constexpr Function kNodeReload = needing(Needs::kAdmin, {"node.reload", "[]"});
inline constexpr Function kNodeAudit =
    needing(Needs::kAdmin, {"node.audit", "[seen or nil]", For::kNode, true, true});
inline constexpr Function kNodeWatch{"node.watch", "[seen]", For::kNode, true, true};

// Tasks, mailboxes and servers.
inline constexpr Function kTaskRun =
    needing(Needs::kFunction,
            {"task.run", "[function, arguments, mode, limit_ms, from or nil]", For::kEither});
inline constexpr Function kTaskNext{"task.next", "[id, key] or [id, key, false]", For::kNode, false,
                                    true};
inline constexpr Function kTaskCancel =
    needing(Needs::kFunction, {"task.cancel", "[id] or [id, key]"});
inline constexpr Function kTaskList =
    needing(Needs::kFunction, {"task.list", "[]", For::kNode, true, false, true});
inline constexpr Function kTaskModules =
    needing(Needs::kFunction, {"task.modules", "[]", For::kNode, true});
inline constexpr Function kProcessOpen = needing(Needs::kSomeCall, {"process.open", "[]"});
inline constexpr Function kProcessReceive{
    "process.receive", "[id, key, most] or [id, key, most, false]", For::kNode, false, true};
inline constexpr Function kProcessClose{"process.close", "[id, key]"};
inline constexpr Function kProcessSend =
    needing(Needs::kSomeCall, {"process.send", "[id or name, from or nil, body]"});
inline constexpr Function kProcessMonitor =
    needing(Needs::kSomeCall, {"process.monitor", "[id]", For::kNode, true, true});
inline constexpr Function kServerList =
    needing(Needs::kFunction, {"server.list", "[]", For::kNode, true});
inline constexpr Function kServerRestart =
    needing(Needs::kFunction, {"server.restart", "[server]"});
inline constexpr Function kServerCall =
    needing(Needs::kFunction, {"server.call", "[server, function, arguments, from or nil]"});
inline constexpr Function kServerCast =
    needing(Needs::kFunction, {"server.cast", "[server, function, arguments, from or nil]"});

/// All of them, by name.
std::span<const Function* const> all();
/// Null when there is no such function. Of a user's functions there is none here.
const Function* find(std::string_view name);
/// How a call is written: "kv.put [key, value]".
std::string usage(const Function& function);

/// The words of the line protocol (common/PROTOCOL.md, part 2), in the order of HELP.
enum class LineVerb : std::uint8_t {
  kCreate,
  kPut,
  kGet,
  kDelete,
  kDrop,
  kKeys,
  kRoute,
  kSet,
  kUnset,
  kRead,
  kAdd,
  kTouch,
  kScan,
  kChanges,
  kBegin,
  kCheck,
  kCommit,
  kAbort,
  kAuth,
  kWhoAmI,
  kPing,
  kHelp,
  kQuit,
  kUnknown,  // another word, or a wrong number of words
};

/// How the reply to a request is printed.
enum class LineReply : std::uint8_t {
  kDone,   ///< OK
  kValue,  ///< the value, then OK
  kNames,  ///< how many follow, then each, then OK
  kRoute,  ///< the nodes of the trace, then OK
  // From here on words stand in quotes where they need them.
  kChanged,    ///< OK and the revision, or CONFLICT and the key's
  kSum,        ///< the number that is stored now, then as kChanged
  kCommitted,  ///< as kChanged, with the number of the check that does not hold
  kEntry,      ///< revision and time to live, the value, then OK
  kScan,       ///< how many follow, then key, revision and value of each, then OK and the revision
  kChanges,    ///< how many follow, then each change, then OK and where to go on; or RESET and that
};

/// What may follow the other words of a request, in any order: this word and one after it.
enum class LineOption : std::uint8_t { kIf, kTtl, kOnce, kPrefix, kAfter, kLimit, kWait };

/// "IF" and so on, by LineOption.
inline constexpr std::array<std::string_view, 7> kLineOptions{"IF",    "TTL",   "ONCE", "PREFIX",
                                                              "AFTER", "LIMIT", "WAIT"};

/// A set of them.
class LineOptions {
 public:
  constexpr LineOptions() = default;
  template <typename... Options>
  explicit constexpr LineOptions(LineOption first, Options... rest)
      : bits_((bit(first) | ... | bit(rest))) {}

  constexpr bool has(LineOption option) const { return (bits_ & bit(option)) != 0; }
  constexpr std::size_t size() const { return static_cast<std::size_t>(std::popcount(bits_)); }

 private:
  static constexpr unsigned bit(LineOption option) { return 1U << static_cast<unsigned>(option); }

  unsigned bits_ = 0;
};

/// How the words of a request are written.
enum class LineWords : std::uint8_t {
  kPlain,   ///< bytes without white space
  kQuoted,  ///< or any bytes, in quotes
  kChange,  ///< the same; between BEGIN and COMMIT the bucket is left out
};

struct LineForm {
  LineVerb verb = LineVerb::kUnknown;
  std::string_view word;
  std::size_t words_min = 1;           // that one included
  std::size_t words_max = 1;           // at most 4, without options
  const Function* function = nullptr;  // that it calls for the bucket that the second word names;
                                       // null: the adapter answers
  LineReply reply = LineReply::kDone;
  std::string_view help;  // its lines of HELP
  LineWords words = LineWords::kPlain;
  LineOptions options = {};        // of kQuoted and kChange
  LineOptions inner_options = {};  // of kChange, between BEGIN and COMMIT
};

/// By LineVerb; kUnknown has none.
std::span<const LineForm> line_forms();

}  // namespace kvmesh::functions
