#include "node/journal/opening.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "common/text.h"
#include "node/journal/damage.h"
#include "node/journal/salvage.h"

namespace kvmesh::journal {
namespace {

using Clock = std::chrono::steady_clock;

Status unreadable(const std::string& path, const Status& status) {
  return {status.code(), in_state_dir(path) + " cannot be opened: " + status.text() +
                             "; nothing in it was changed. If the disk is full or failing, mend "
                             "that first, and restore it from a backup"};
}

// The groups after `last` up to the one that is known to have been there.
std::string lost_groups(std::uint64_t last, std::uint64_t durable) {
  const auto count = durable - last;
  return count == 1 ? "group " + std::to_string(durable)
                    : std::to_string(count) + " groups, " + std::to_string(last + 1) + " to " +
                          std::to_string(durable);
}

// What is wrong with what RocksDB would come back with. None: nothing.
std::optional<std::string> loss(const std::optional<Durable>& durable,
                                const Database::Found& found) {
  if (!durable) {
    return "its file `durable` is missing or damaged, so nobody knows whether acknowledged changes "
           "are lost; its log ends with group " +
           std::to_string(found.group.number);
  }
  if (found.sequence >= durable->sequence) return std::nullopt;
  return "acknowledged changes are lost: " + lost_groups(found.group.number, durable->group) +
         "; its log ends with group " + std::to_string(found.group.number);
}

class Opening {
 public:
  explicit Opening(const Options& options) : options_(options), files_(options.file_system) {}

  Result<Opened> run(Loader& loader) {
    const auto began = Clock::now();
    auto dir = StateDir::open(options_.state_dir, options_.node, files_);
    if (!dir.ok()) return dir.status();
    opened_.dir = *std::move(dir);
    place_ = {opened_.dir->database(), files_.system(), options_.memtable_bytes};
    auto status = opened_.dir->is_new() ? opened_.dir->begin() : look();
    if (status.ok()) status = open_database();
    if (!status.ok()) return status;
    opened_.recovered.groups = opened_.database->group().number;
    opened_.recovered.revision = opened_.database->group().revision;
    opened_.recovered.opening =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
    status = opened_.database->load(loader, opened_.recovered);
    if (!status.ok()) return damaged(status);
    if (status = open_marker(); !status.ok()) return status;
    return std::move(opened_);
  }

 private:
  std::string what_is_damaged(const Status& status) const {
    const auto tables = damaged_tables(place_);
    return status.text() + (tables.empty() ? "" : "; damaged are: " + tables);
  }

  // RocksDB cannot read it, or not whole.
  Status damaged(const Status& status) const {
    if (status.code() != StatusCode::kInternal) return unreadable(options_.state_dir, status);
    return {status.code(), in_state_dir(options_.state_dir) +
                               " is damaged: " + what_is_damaged(status) +
                               "; nothing in it was changed. Restore it from a backup, or start "
                               "the node once with --accept-loss, which goes on with what can be "
                               "read, and keeps the damaged files"};
  }

  // Puts in its place what can be read of a damaged database. Nothing is damaged: does nothing.
  Status mend(std::uint64_t known_group) {
    Salvage salvage{place_, files_, known_group};
    if (!salvage.is_half_placed()) {
      const auto whole = check_database(place_);
      if (whole.ok()) return {};
      if (whole.code() != StatusCode::kInternal) return unreadable(options_.state_dir, whole);
      const auto found = salvage.make();
      if (!found.ok()) return unreadable(options_.state_dir, found.status());
      auto status = note_loss(what_is_damaged(whole) + "; what could be read: " + *found);
      if (!status.ok()) return status;
    }
    const auto kept = salvage.finish();
    if (!kept.ok()) return unreadable(options_.state_dir, kept.status());
    const auto found = Database::look(place_, std::numeric_limits<std::uint64_t>::max());
    if (!found.ok()) return unreadable(options_.state_dir, found.status());
    auto status = opened_.dir->set_durable({found->group.number, found->sequence});
    if (!status.ok()) return unreadable(options_.state_dir, status);
    return note_loss("the damaged files are in " + *kept);
  }

  Status note_loss(const std::string& what) {
    auto line = opened_.dir->note_loss("accepted: " + what);
    if (!line.ok()) return unreadable(options_.state_dir, line.status());
    opened_.recovered.losses.push_back(in_state_dir(options_.state_dir) + ": " + *std::move(line));
    return {};
  }

  // Before RocksDB is opened in earnest: that throws away what comes after a fault in its log.
  Status look() {
    if (options_.accept_loss) {
      const auto known = opened_.dir->durable();
      if (!known.ok()) return unreadable(options_.state_dir, known.status());
      auto status = mend(known->value_or(Durable{}).group);
      if (!status.ok()) return status;
    }
    const auto durable = opened_.dir->durable();
    if (!durable.ok()) return unreadable(options_.state_dir, durable.status());
    const auto enough =
        durable->has_value() ? (*durable)->sequence : std::numeric_limits<std::uint64_t>::max();
    const auto found = Database::look(place_, enough);
    if (!found.ok()) return damaged(found.status());
    if (durable->has_value()) least_ = (*durable)->group;
    const auto lost = loss(*durable, *found);
    if (!lost) return {};
    if (!options_.accept_loss) {
      return {StatusCode::kUnavailable,
              in_state_dir(options_.state_dir) + ": " + *lost +
                  ". Nothing in it was changed. Restore it from a backup, or start the node once "
                  "with --accept-loss, which goes on without what is lost"};
    }
    if (auto status = note_loss(*lost); !status.ok()) return status;
    least_ = found->group.number;
    auto status = opened_.dir->set_durable({found->group.number, found->sequence});
    return status.ok() ? status : unreadable(options_.state_dir, status);
  }

  Status open_database() {
    opened_.failure = std::make_shared<Failure>();
    auto database = Database::open(
        place_, opened_.dir->is_new(),
        [failure = opened_.failure](const std::string& text) { failure->set(text); });
    if (!database.ok()) return damaged(database.status());
    opened_.database = *std::move(database);
    if (opened_.database->group().number < least_) {
      return {StatusCode::kInternal, in_state_dir(options_.state_dir) + " came back with group " +
                                         std::to_string(opened_.database->group().number) +
                                         " instead of " + std::to_string(least_) +
                                         "; restore it from a backup"};
    }
    return opened_.dir->is_new() ? opened_.dir->finish() : Status{};
  }

  // What RocksDB came back with is in its tables and synced, so the marker begins with that.
  Status open_marker() {
    const Durable now{opened_.database->group().number, opened_.database->sequence()};
    auto status = opened_.dir->set_durable(now);
    if (!status.ok()) return unreadable(options_.state_dir, status);
    auto file = files_.open_in_place(opened_.dir->marker());
    if (!file.ok()) return unreadable(options_.state_dir, file.status());
    opened_.marker = std::make_unique<Marker>(*std::move(file), now);
    return {};
  }

  const Options& options_;
  Files files_;
  Database::Place place_;
  std::uint64_t least_ = 0;  // the group that must be there
  Opened opened_;
};

}  // namespace

Result<Opened> open_state_dir(const Options& options, Loader& loader) {
  return Opening{options}.run(loader);
}

}  // namespace kvmesh::journal
