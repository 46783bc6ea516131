#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/limits.h>

#include "common/deadline.h"
#include "common/names.h"
#include "common/request.h"
#include "common/wire/buffer.h"
#include "node/tasks/runtime.h"

namespace kvmesh::tasks {

/// Which peers of a node can be reached, and the polls (node.watch) of those who want to know of
/// changes. Every change has a number; who asks says the last that it has seen, and gets what came
/// after it: of each peer its state if that is another, and before that its latest end, so that
/// neither a change nor a restart is missed, however late somebody asks. Pure and bounded: nothing
/// is kept for those who watch but the polls that wait, which the core bounds, and the latest
/// kPeersMax peers that have gone. Owned by one thread;
/// no locks.
class NodeWatch {
 public:
  struct Options {
    NodeName self;
    std::vector<NodeName> peers;  // what a PeerIndex means; all are down at first
    /// The number of the beginning, which is to be random, so that a number of an earlier life of
    /// this node is known as such.
    std::uint64_t first = 1;
    std::chrono::milliseconds slice = limits::kTaskSlice;
  };
  /// `runtime` must outlive it.
  NodeWatch(Options options, Runtime& runtime);

  /// What a PeerIndex means from now on; an empty name is a free place. One that comes is down at
  /// first, which is news as much as that one has gone.
  void set_peers(const std::vector<NodeName>& peers);
  /// Requests can go to the peer, or no longer. Of a peer that is down already only the reason
  /// changes, which is no news.
  void on_up(PeerIndex peer);
  void on_down(PeerIndex peer, std::string_view why);

  /// Answers through Runtime::answer() what came after `seen`, when there is something or at the
  /// slice's end: [node, seen, array of [peer, up, why]]. For 0, and any other number that this
  /// node has not told, that is the state of every peer. One that is no longer a peer is told as
  /// down. kUnavailable once stop() was called.
  void poll(Ticket ticket, std::uint64_t seen, TimePoint now);

  /// Answers the polls for which there was news. Call it after each batch of inputs.
  void flush();
  /// Answers those whose slice is over. Call it every few milliseconds.
  void on_tick(TimePoint now);
  /// The node stops: ends all polls as kUnavailable, those to come too.
  void stop();

 private:
  struct Peer {
    NodeName name;
    bool up = false;
    std::string why = "not connected yet";  // it is down, or was the last time
    std::uint64_t changed = 0;              // number of the last change
    std::uint64_t fell = 0;                 // and of its last end
  };
  struct Gone {
    NodeName name;
    std::uint64_t changed;  // number of that change
  };
  struct Poll {
    Ticket ticket;
    std::uint64_t seen;
    TimePoint due;
  };
  void answer(const Poll& poll);
  void refuse(Ticket ticket);
  bool was_told(std::uint64_t seen) const { return seen >= first_known_ && seen <= last_; }

  const Options options_;
  Runtime& runtime_;
  std::vector<Peer> peers_;
  std::deque<Gone> gone_;      // peers no longer, by number
  std::uint64_t first_known_;  // the changes after it are all known still
  std::uint64_t last_;         // number of the latest change
  std::uint64_t told_;         // the latest of which the polls were told
  std::deque<Poll> polls_;     // that wait; all equally long, so in the order of their times
  bool stopped_ = false;
  wire::Buffer scratch_;  // an answer; kept for its memory
};

}  // namespace kvmesh::tasks
