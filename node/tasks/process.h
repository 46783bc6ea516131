#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <kvmesh/status.h>

#include "common/deadline.h"
#include "common/meter.h"
#include "common/names.h"
#include "node/tasks/mailbox.h"
#include "node/tasks/monitors.h"
#include "node/tasks/output_window.h"
#include "node/tasks/runtime.h"
#include "node/tasks/timetable.h"

namespace kvmesh::tasks {

/// How a task hangs on its asker. The names are those on the wire.
enum class Mode : std::uint8_t {
  kCall,       ///< "call": answered at its end; stopped when its asker is gone
  kAsync,      ///< "async": the same
  kNoLink,     ///< "nolink": goes on without its asker; its output is dropped then
  kSpawn,      ///< "spawn": answered at once; goes on without its asker, as kNoLink
  kSpawnLink,  ///< "spawn_link": answered at once; stopped when its asker is gone
};
std::optional<Mode> mode_from_name(std::string_view name);
inline bool is_linked(Mode mode) { return mode != Mode::kNoLink && mode != Mode::kSpawn; }
inline bool is_answered_at_once(Mode mode) {
  return mode == Mode::kSpawn || mode == Mode::kSpawnLink;
}

/// What a poll is for.
enum class Wants : std::uint8_t {
  kNews,
  kNothing,  ///< only to say that the asker is still there: answered at the slice's end, with
             ///< nothing
};

struct Meters {
  Meter mailboxes;
  Meter output;
  Meter results;
};

/// Everything about one process. A plain record: Processes keeps its parts in step.
struct Process : Timed {
  enum class Kind : std::uint8_t { kTask, kServer, kMailbox };
  enum class Stop : std::uint8_t {
    kNone,
    kCancelled,  // somebody asked for it
    kKilled,     // its limit, its asker's end or the node's; the log says so
  };
  // A request of the asker (task.run, task.next) or the client (process.receive) that waits for
  // news.
  struct Poll {
    Ticket ticket;
    TimePoint due;
    Wants wants = Wants::kNews;
    std::uint64_t messages_max = 0;
  };
  // What becomes of a task for its asker. Decided when its body ends, or before that at its limit.
  struct Ending {
    Ending(Meter& meter, Status its_status, std::string_view its_result)
        : status(std::move(its_status)), result(its_result), held(meter) {
      held.add(result.size());
    }
    Status status;
    std::string result;
    Held held;
  };

  Process(ProcessId its_id, Kind its_kind, Meters& meters)
      : id(its_id),
        kind(its_kind),
        output(meters.output),
        mailbox(meters.mailboxes),
        timed(meters.mailboxes) {}

  /// When something is to be done about it even if nothing happens.
  TimePoint next_due() const;
  bool has_poll_for_news() const { return poll && poll->wants == Wants::kNews; }
  /// Whether whoever has the key may still ask for it.
  bool is_open_to(std::uint64_t its_key) const { return has_asker && key == its_key; }

  const ProcessId id;
  const Kind kind;
  Mode mode = Mode::kNoLink;
  Stop stop = Stop::kNone;
  bool has_asker = false;    // key is valid: the end was not handed over yet
  bool detached = false;     // nobody fetches its output: it is dropped
  bool forestalled = false;  // its body will never begin
  bool waiting = false;      // for a deliver()
  bool exited = false;       // its body has ended; kept for its asker
  bool monitored = false;    // at some time
  bool has_news = false;     // stands in the list of those that the next flush answers
  std::uint32_t supervised = ~std::uint32_t{0};  // its place in the supervision, if it has one

  std::uint64_t key = 0;
  TimePoint started;
  TimePoint limit_ends = kNever;
  TimePoint lease_ends = kNever;  // of its asker; means nothing while a poll waits
  TimePoint wait_ends = kNever;
  TimePoint call_ends = kNever;        // of `call`, until it is known to have begun
  std::chrono::milliseconds limit{0};  // 0: none
  bool has_nodes_limit = false;        // that is the one of the node's settings
  std::string function;                // its name, for people
  std::string from;
  std::string why_stopped;

  std::optional<Poll> poll;
  std::optional<Ticket> call;  // that a server is handling
  std::unique_ptr<Ending> outcome;
  OutputWindow output;
  Mailbox mailbox;
  TimedMessages timed;
  Monitors monitors;

  Process* previous = nullptr;  // in the order of their start
  Process* next = nullptr;
};

}  // namespace kvmesh::tasks
