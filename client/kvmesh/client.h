#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/buckets.h>
#include <kvmesh/limits.h>
#include <kvmesh/operation.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

namespace kvmesh {

class Mesh;
class Watcher;
struct WatchOptions;
namespace client {
class MeshPort;
}  // namespace client

/// A page of names in ascending byte order.
struct Names {
  std::vector<std::string> names;
  bool more = false;  // ask again, after the last of these; may be true with fewer names than were
                      // asked for
};

/// The buckets' operations, for Client::call() and batches; Client's methods of the same names say
/// what they answer. As Outcome::result: `get` nil or Bytes; `count` an integer; `keys` and
/// `buckets` a list of `more` (bool) and the list of names (Bytes); `route` text; the others nil.
/// An empty `after` asks for the first page. <kvmesh/buckets.h> has more: `read`, `apply`, `scan`
/// and `changes`.
namespace ops {
Operation create(std::string_view bucket);
Operation drop(std::string_view bucket);
Operation put(std::string_view bucket, std::string_view key, std::string_view value);
Operation get(std::string_view bucket, std::string_view key);
Operation erase(std::string_view bucket, std::string_view key);
Operation count(std::string_view bucket);
Operation keys(std::string_view bucket, std::string_view after = {},
               std::uint32_t limit = limits::kPageItemsDefault);
Operation buckets(std::string_view node = {}, std::string_view after = {},
                  std::uint32_t limit = limits::kPageItemsDefault);
Operation route(std::string_view bucket);
/// The same as `create`, `put`, `get`, `erase`, `count`, `keys`, `read`, `apply`, `scan` or `drop`,
/// of what `node` itself holds, wherever the tables lead (empty: the connected one). For buckets
/// that stayed where tables do not lead any more, or that are put where they will lead.
Operation here(std::string_view node, Operation of_bucket);
}  // namespace ops

/// A connection to the mesh through one of its nodes, any of them.
///
/// With several endpoints it connects to the first that answers, in their order. It goes on with
/// the next one, after the last with the first, when the connection ends, cannot be made in
/// Options::connect_timeout, or when the node stops. It pauses only when all were tried, and does
/// not go back by itself to one that it prefers. To spread programs over nodes, give each another
/// order.
///
/// Thread-safe: any thread may call at any time; calls of one thread for one bucket are executed in
/// their order, as long as they go over one connection: a node that stops may still execute what it
/// has when the next one gets what follows. Reconnects by itself: a call made while there is no
/// connection waits for one, up to Options::connect_timeout or its own timeout, and then ends as
/// kUnavailable (not executed), with each endpoint and the reason why it cannot be used. A call
/// that was sent and has no answer when its time is over or its connection ends, ends as
/// kOutcomeUnknown: until its time is over it may still be executed, and not later. One that was
/// not sent yet ends as kDeadlineExceeded or kUnavailable. No call is ever sent twice. The node
/// says how many calls it takes unanswered (its window); further ones wait here, in their order.
///
/// Every call can end with: kUnavailable, kOverloaded, kDeadlineExceeded, kNoRoute, kRouteLoop,
/// kTooManyHops (certainly not executed); kOutcomeUnknown (it may have been); kTooLarge and
/// kInvalidArgument (refused before it was sent where the client can tell); kUndefinedFunction
/// where the node reached does not store buckets. Texts say which node and why. Keys and values are
/// any bytes, names up to limits::kBucketNameBytesMax and kKeyBytesMax, values up to
/// kValueBytesMax.
class Client {
 public:
  struct Options {
    /// Of one node or of several of the same mesh, at least one; the same one again counts once.
    /// tcp://HOST:PORT or ipc://PATH. HOST: a name, an IPv4 address, or an IPv6 address in
    /// brackets.
    std::vector<std::string> endpoints = {"tcp://127.0.0.1:5550"};
    /// The key file of a user, as `kvmesh keygen` writes it, with the public keys of the nodes at
    /// these endpoints (under [nodes]); for nodes that ask for one (mesh.key). Empty: none.
    std::string key_file{};
    /// How long a call waits for a connection: that much for each endpoint.
    std::chrono::milliseconds connect_timeout{1000};
    /// Does not wait so long when, since the call was made, each endpoint has refused a connection,
    /// as those do where nobody listens, or where keys do not go together: for what a person waits
    /// for. Without it a node that is being restarted may come back within connect_timeout.
    bool gives_up_refused = false;
    /// Calls that may be under way at once, waiting ones included; one more ends as kOverloaded.
    std::uint32_t in_flight_max = 65536;
  };

  /// Starts to connect and returns at once. kInvalidArgument when an endpoint is none that can
  /// be connected to, with what is wrong, when there is none, when the key file cannot be used or
  /// does not know a node at one of them, or in_flight_max is 0; kInternal when
  /// the system has no more descriptors or threads.
  static Result<std::unique_ptr<Client>> open(Options options);
  /// Waits until a node has answered the greeting. kUnavailable, with the reasons, when none does
  /// in time.
  Status wait_connected(Timeout timeout = std::chrono::seconds{1});
  /// The endpoint in use; empty: there is no connection. A snapshot; may be stale. Does not block.
  std::string connected_endpoint() const;
  /// Ends the connection. Calls still under way end before the destructor returns: as
  /// kOutcomeUnknown if they were sent, as kUnavailable if not. No other thread may begin a call
  /// once the destructor has begun; what a callback begins then ends as kUnavailable. Must not run
  /// in a callback.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Makes an empty bucket; OK also when it exists already, and its keys stay.
  Status create(std::string_view bucket, Timeout timeout = {});
  /// The same with options; a bucket that exists keeps those that it has. kFull when its node has
  /// no memory for a history.
  Status create(std::string_view bucket, const BucketOptions& options, Timeout timeout = {});
  /// Changes options of a bucket, and gives all that it has then. kNotFound when it does not exist;
  /// kFull.
  Result<BucketOptions> options(std::string_view bucket, const BucketOptions& change = {},
                                Timeout timeout = {});
  /// Removes the bucket with all its keys. kNotFound when it does not exist.
  Status drop(std::string_view bucket, Timeout timeout = {});
  /// Stores `value` under `key`. kNotFound when the bucket does not exist; kFull when its node has
  /// no memory left.
  Status put(std::string_view bucket, std::string_view key, std::string_view value,
             Timeout timeout = {});
  /// The value, or empty when there is no such key. kNotFound when the bucket does not exist.
  Result<std::optional<std::string>> get(std::string_view bucket, std::string_view key,
                                         Timeout timeout = {});
  /// Removes the key; OK also when it is not there. kNotFound when the bucket does not exist.
  Status erase(std::string_view bucket, std::string_view key, Timeout timeout = {});
  /// The number of keys. kNotFound when the bucket does not exist.
  Result<std::uint64_t> count(std::string_view bucket, Timeout timeout = {});
  /// Up to `limit` keys greater than `after`. kNotFound when the bucket does not exist.
  Result<Names> keys(std::string_view bucket, std::string_view after = {},
                     std::uint32_t limit = limits::kPageItemsDefault, Timeout timeout = {});
  /// Several keys as they are at one instant, with their revisions; up to limits::kReadKeysMax.
  /// kNotFound when the bucket does not exist; kTooLarge when there are more keys, or values of
  /// more than limits::kReadBytesMax together.
  Result<Entries> read(std::string_view bucket, const std::vector<std::string>& keys,
                       Timeout timeout = {});
  /// Makes changes together, if all checks hold. One that does not hold is a result, see Applied.
  /// kNotFound when the bucket does not exist; kFull when its node has no memory left;
  /// kInvalidArgument when a key is changed twice, a number cannot be added to, or a time to live
  /// is none; kTooLarge. Each of them: nothing was changed. After kOutcomeUnknown a call with
  /// Apply::once may be repeated as it was; one without it only if that does no harm.
  Result<Applied> apply(std::string_view bucket, const Apply& apply, Timeout timeout = {});
  /// A page of the keys in their order. kNotFound when the bucket does not exist; kFull when the
  /// node has no memory for the order of its keys.
  Result<ScanPage> scan(std::string_view bucket, const ScanOptions& options = {},
                        Timeout timeout = {});
  /// The changes after the revision `since`; waits for some up to ChangesOptions::wait, to which
  /// `timeout` is added. Any failure but kInvalidArgument and kTooLarge: ask again with the same
  /// `since`, nothing is lost. kNotFound when the bucket does not exist; kOverloaded when
  /// limits::kFollowersMax calls wait at its node. A Watcher does all this by itself.
  Result<Events> changes(std::string_view bucket, std::uint64_t since,
                         const ChangesOptions& options = {}, Timeout timeout = {});
  /// Follows a bucket over whatever happens to nodes and connections; include <kvmesh/watcher.h>.
  /// The watcher must not outlive the client.
  Watcher watch(std::string bucket, WatchOptions options);
  /// Up to `limit` buckets stored on `node` (empty: the connected one) with names greater than
  /// `after`.
  Result<Names> buckets(std::string_view node = {}, std::string_view after = {},
                        std::uint32_t limit = limits::kPageItemsDefault, Timeout timeout = {});
  /// The name of the node that the bucket belongs to, whether it exists or not.
  Result<std::string> route(std::string_view bucket, Timeout timeout = {});
  /// What a node tells of itself (common/PROTOCOL.md, `node.info`); empty: the connected node.
  Result<Value> info(std::string_view node = {}, Timeout timeout = {});
  /// The time of an empty call there and back.
  Result<std::chrono::microseconds> ping(std::string_view node = {}, Timeout timeout = {});

  /// Any call, blocking. Like all blocking methods it ends as kInvalidArgument at once when it is
  /// made in a callback.
  Outcome call(const Operation& operation, Timeout timeout = {});
  /// The same for many at once: outcomes in the order of the operations. All travel together, and
  /// each has its own fate. Those beyond Options::in_flight_max end as kOverloaded.
  std::vector<Outcome> call(std::vector<Operation> batch, Timeout timeout = {});

  /// Any call, asynchronous. `done` is called exactly once, on the client's own thread: it must not
  /// block or throw (what it throws is lost) and may call only call_async(). Never fails itself:
  /// what is wrong is in the outcome. An outcome that nobody wants may have an empty `done`.
  using Callback = std::function<void(Outcome)>;
  void call_async(const Operation& operation, Callback done, Timeout timeout = {});
  std::future<Outcome> call_async(const Operation& operation, Timeout timeout = {});

  /// The mesh as this connection sees it: functions of modules are called, tasks and processes
  /// started, and messages exchanged; include <kvmesh/mesh.h>.
  ///
  ///     auto sum = client->mesh().call<std::int64_t>("foo@localhost", "hello.add", 1, 2);
  ///
  /// Always the same, with one mailbox, and gone with the client. The mailbox is a process of the
  /// node that is connected, and is lost with the connection: Mesh::receive() says so once, and the
  /// next use opens another, with a new pid, at the node that is connected then. Tasks that are
  /// waited for end as kOutcomeUnknown, watches with kNodeDown. Output of tasks goes to stdout
  /// and stderr unless CallOptions say otherwise, by a thread of its own: a reader that is slow
  /// stops the task, and neither this client nor other tasks. The destructor writes what has come.
  Mesh& mesh();

 private:
  friend class client::MeshPort;
  class Loop;
  explicit Client(std::unique_ptr<Loop> loop);
  /// As call_async(), after a pause; the timeout counts from its end.
  void call_after(std::chrono::milliseconds pause, const Operation& operation, Callback done,
                  Timeout timeout);
  std::unique_ptr<Loop> loop_;
  std::once_flag mesh_made_;
  std::unique_ptr<Mesh> mesh_;  // on loop_, so it ends first
};

}  // namespace kvmesh
