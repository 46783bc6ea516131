#include "node/store_opening.h"

#include <spdlog/spdlog.h>

#include <cstdint>
#include <string>
#include <utility>

#include "common/text.h"
#include "node/durable/journal_engine.h"
#include "node/store/memory_engine.h"

namespace kvmesh {
namespace {

std::string counted(std::uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string size_of(const journal::Recovered& found) {
  return counted(found.buckets, "bucket") + " with " + counted(found.keys, "key") + ", " +
         counted(found.bytes, "byte");
}

Status refused(const Settings& settings, const Status& why) {
  if (why.code() != StatusCode::kFull) return why;
  return {StatusCode::kFull, why.text() + "; what " + settings.state_dir +
                                 " has needs more memory; nothing in it has changed"};
}

}  // namespace

Result<OpenedStore> open_store(const Settings& settings, bool accept_loss) {
  OpenedStore out;
  if (!settings.apps.kv) return out;
  using Use = store::MemoryEngine::Use;
  const auto use = settings.threads == 1 ? Use::kOneThread : Use::kThreads;
  const auto clock = store::EngineClock::of_machine();
  if (!settings.is_durable()) {
    out.engine = std::make_unique<store::MemoryEngine>(settings.kv.memory_max, use, clock);
    return out;
  }
  using Reads = durable::DurableEngine::Reads;
  const durable::DurableEngine::Options options{
      .bytes_max = settings.kv.memory_max,
      .use = use,
      .clock = clock,
      .reads = settings.kv.undurable_reads ? Reads::kUndurable : Reads::kDurable};
  journal::Options journal;
  journal.state_dir = settings.state_dir;
  journal.node = settings.name.str();
  journal.durability = settings.kv.durability == Durability::kAlways
                           ? journal::Durability::kAlways
                           : journal::Durability::kEverySecond;
  journal.accept_loss = accept_loss;
  auto opened = durable::open_journal_engine(
      options, journal,
      {.progress =
           [&](const journal::Recovered& so_far) {
             spdlog::info("reading {}: {} so far", printable(settings.state_dir), size_of(so_far));
           },
       .failed =
           [](const std::string& why) {
             spdlog::error(
                 "the journal failed: {}; nothing is stored until this node is restarted, and what "
                 "was acknowledged is read as before",
                 printable(why));
           }});
  if (!opened) return refused(settings, opened.status());
  const auto& found = opened->journal->recovered();
  for (const auto& loss : found.losses) spdlog::warn("{}", printable(loss));
  spdlog::info("{} has {}; read in {} ms; durability {}", printable(settings.state_dir),
               size_of(found), (found.opening + found.loading).count(),
               to_string(settings.kv.durability));
  out.engine = std::move(opened->engine);
  out.journal = opened->journal;
  return out;
}

}  // namespace kvmesh
