// Changes of several keys of a bucket: all, or none.
#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/text.h"
#include "node/store/answer_note.h"
#include "node/store/bucket.h"

namespace kvmesh::store {
namespace {

std::optional<std::int64_t> number_of(std::string_view digits) {
  std::int64_t number = 0;
  const auto* end = digits.data() + digits.size();
  const auto [stop, fault] = std::from_chars(digits.data(), end, number);
  if (fault != std::errc{} || stop != end) return std::nullopt;
  return number;
}

Result<std::int64_t> sum(const Record* record, const Change& change) {
  const auto refuse = [&](const std::string& why) {
    return Status{StatusCode::kInvalidArgument, "cannot add " + std::to_string(change.delta) +
                                                    " to the key " + in_quotes(change.key) + ": " +
                                                    why + "; nothing was changed"};
  };
  const auto before =
      record == nullptr ? std::optional<std::int64_t>{0} : number_of(record->value());
  if (!before) return refuse("its value is no decimal number of 64 bits");
  std::int64_t after = 0;
  if (__builtin_add_overflow(*before, change.delta, &after)) {
    return refuse("the sum with " + std::to_string(*before) + " does not fit 64 bits");
  }
  return after;
}

}  // namespace

// Checks and changes of several keys. Nothing is changed before it is certain that all can be.
class Bucket::Transaction {
 public:
  Transaction(Bucket& bucket, const Turn& turn, Removed& removed)
      : bucket_(bucket), turn_(turn), now_(turn.now), removed_(removed) {}

  Result<Applied> run(const Changes& all) {
    if (turn_.room != nullptr) turn_.room->saw(bucket_.place_);
    hash(all);
    if (const auto* first_answer = bucket_.answer_to(all.once, now_)) return *first_answer;
    // Among them this one, if it is too old: it is written down anew after that. It takes room of
    // the log for itself, so it comes before that of the changes.
    if (!all.once.empty() && bucket_.extras_) bucket_.forget_old_ids(turn_);
    if (auto status = reserve_log(all); !status.ok()) return status;
    const auto& checks = all.checks;
    Applied out;
    for (std::size_t i = 0; i < checks.size(); ++i) {
      const auto* record = live(check_keys()[i]);
      const Revision rev = record == nullptr ? 0 : record->rev();
      if (rev == checks[i].rev) continue;
      out.failed = i;
      out.failed_rev = rev;
      out.rev = bucket_.rev_;
      return out;
    }
    if (auto status = plan(all.changes); !status.ok()) return status;
    if (!all.once.empty()) {
      if (auto status = bucket_.make_extras(now_); !status.ok()) return status;
      growth_ += OnceIds::cost(all.changes.size());
    }
    if (auto status = insert_new(); !status.ok()) return status;
    change_old();
    out.rev = bucket_.rev_;
    out.each.reserve(steps_.size());
    for (const auto& step : steps_) {
      const bool restores = step.kind == Change::Kind::kRestore;
      out.each.push_back({restores ? step.keeps : step.was_there, step.number});
    }
    write_log(all.once, out);
    bucket_.remember(all.once, out, turn_);
    return out;
  }

 private:
  struct Step {
    Change::Kind kind = Change::Kind::kPut;
    HashedName key;
    std::string_view value;  // that is put; of kAdd its digits
    std::string digits;
    Moment expires = kNever;
    Revision rev = 0;  // that the key has afterwards; 0: that of all
    bool was_there = false;
    bool puts = false;
    bool keeps = false;  // what is there, as it is
    std::optional<std::int64_t> number;

    bool changes() const { return !keeps && (puts || was_there); }
  };

  // Each key once. What will be read of them is fetched all at once, instead of one after the
  // other.
  void hash(const Changes& all) {
    keys_.reserve(all.changes.size() + all.checks.size());
    for (const auto& change : all.changes) keys_.emplace_back(change.key);
    for (const auto& check : all.checks) keys_.emplace_back(check.key);
    for (const auto& key : keys_) bucket_.prefetch_place(key);
    for (const auto& key : keys_) bucket_.prefetch_record(key);
    changes_ = all.changes.size();
  }
  std::span<const HashedName> change_keys() const { return std::span{keys_}.first(changes_); }
  std::span<const HashedName> check_keys() const { return std::span{keys_}.subspan(changes_); }

  const Record* live(const HashedName& key) {
    const auto* record = bucket_.find_live(key, turn_, removed_);
    return record == nullptr ? nullptr : record->get();
  }

  // For all that may be written down: the changes, keys that are found to have expired, and the id
  // with its answer.
  Status reserve_log(const Changes& all) {
    if (turn_.room == nullptr) return {};
    std::size_t bytes = all.once.empty() ? 0 : answer_bytes(all.changes.size());
    for (const auto& check : all.checks) bytes += journal::staged_bytes(check.key.size(), 0);
    for (std::size_t i = 0; i < all.changes.size(); ++i) {
      const auto& change = all.changes[i];
      bytes += journal::staged_bytes(change.key.size(), 0) +
               journal::staged_bytes(change.key.size(), value_bytes(change, change_keys()[i]));
    }
    return turn_.room->reserve(bytes);
  }
  // Of the value that is there afterwards, at most.
  std::size_t value_bytes(const Change& change, const HashedName& key) const {
    constexpr std::size_t kDigits = 20;
    if (change.kind == Change::Kind::kAdd) return kDigits;
    if (change.kind != Change::Kind::kTouch) return change.value.size();
    const auto* record = bucket_.find(key, now_);
    return record == nullptr ? 0 : record->value().size();
  }

  void write_log(std::string_view once, const Applied& answer) {
    if (turn_.room == nullptr) return;
    std::vector<journal::Change> out;
    for (const auto& step : steps_) {
      if (!step.changes()) continue;
      if (step.kind == Change::Kind::kDelete) {
        out.push_back(journal::Change::erase(bucket_.id_, step.key.name));
      } else {
        const auto& record = **bucket_.records_.find(step.key);
        out.push_back(journal::Change::put(bucket_.id_, step.key.name,
                                           {record.value(), record.rev(), step.expires}));
      }
    }
    std::string packed;
    if (!once.empty()) {
      packed = pack_answer(answer, now_);
      out.push_back(journal::Change::note(bucket_.id_, once, packed));
    }
    if (out.empty()) return;
    bucket_.write(out, turn_);
    for (const auto& step : steps_) {
      if (step.changes()) turn_.room->wrote_key(bucket_.place_hash(step.key), bucket_.place_);
    }
  }

  // A clock that ran far ahead would be that of the bucket from now on, and after a restart that of
  // the node.
  Status check_revision(const Change& change) const {
    constexpr Moment kAheadMax = 24 * 3600 * 1000;
    if (change.kind != Change::Kind::kRestore) return {};
    const auto ahead = time_left(moment_of(change.rev), now_).value_or(0);
    if (ahead <= kAheadMax) return {};
    return {StatusCode::kInvalidArgument,
            "cannot restore the key " + in_quotes(change.key) + ": its revision is of a time " +
                std::to_string(ahead / kAheadMax) +
                " days ahead of the clock of this node; set the clock; nothing was changed"};
  }

  static bool keeps(const Record* record, const Change& change) {
    if (change.kind != Change::Kind::kRestore || record == nullptr) return false;
    return change.keep == Change::Keep::kAll ||
           (change.keep == Change::Keep::kNotOlder && record->rev() >= change.rev);
  }

  // What becomes of each key, and the revision of it all.
  Status plan(std::span<const Change> changes) {
    steps_.reserve(changes.size());
    Revision restored = 0;
    for (std::size_t i = 0; i < changes.size(); ++i) {
      const auto& change = changes[i];
      Step& step = steps_.emplace_back();
      step.kind = change.kind;
      step.key = change_keys()[i];
      step.value = change.value;
      const auto* record = live(step.key);
      step.was_there = record != nullptr;
      step.keeps = keeps(record, change);
      step.puts = !step.keeps && change.kind != Change::Kind::kDelete &&
                  change.kind != Change::Kind::kTouch;
      if (auto status = check_revision(change); !status.ok()) return status;
      if (change.kind == Change::Kind::kRestore && !step.keeps) {
        step.rev = change.rev;
        restored = std::max(restored, change.rev);
      }
      if (change.ttl_ms) {
        step.expires = now_ + *change.ttl_ms;
      } else if (change.kind == Change::Kind::kPut || change.kind == Change::Kind::kAdd) {
        step.expires = bucket_.default_expiry(now_);
      }
      if (change.kind == Change::Kind::kAdd) {
        const auto added = sum(record, change);
        if (!added) return added.status();
        step.number = *added;
        step.digits = std::to_string(*added);
        if (step.was_there && !change.ttl_ms) step.expires = record->expires();
      }
      changes_any_ |= step.changes();
      if (step.changes()) growth_ += growth(record, step, change);
    }
    for (auto& step : steps_) {
      if (!step.digits.empty()) step.value = step.digits;
    }
    // One for all, after those of keys that were found to have expired.
    rev_ = std::max(next_revision(bucket_.rev_, now_), restored);
    for (auto& step : steps_) {
      if (step.rev == 0) step.rev = rev_;
    }
    return {};
  }

  // What a key that is there costs more afterwards.
  static std::uint64_t growth(const Record* record, const Step& step, const Change& change) {
    if (record == nullptr || change.kind == Change::Kind::kDelete) return 0;
    const auto size = change.kind == Change::Kind::kAdd     ? step.digits.size()
                      : change.kind == Change::Kind::kTouch ? record->value().size()
                                                            : change.value.size();
    const auto after = Record::cost(record->key().size(), size, step.expires != kNever);
    return after > record->cost() ? after - record->cost() : 0;
  }

  Status insert_new() {
    if (auto status = bucket_.memory_.reserve(growth_); !status.ok()) return status;
    for (auto step = steps_.begin(); step != steps_.end(); ++step) {
      if (!step->puts || step->was_there) continue;
      auto status = bucket_.insert(step->key, step->value, {step->rev, step->expires});
      if (status.ok()) continue;
      while (step-- != steps_.begin()) {
        if (step->puts && !step->was_there) removed_.records.push_back(bucket_.remove(step->key));
      }
      bucket_.memory_.release(growth_);
      return status;
    }
    return {};
  }

  // Cannot fail: what it needs is reserved.
  void change_old() {
    if (changes_any_) bucket_.rev_ = rev_;
    for (const auto& step : steps_) {
      if (step.was_there && step.changes()) change_old(step);
      if (step.puts && bucket_.ring() != nullptr) bucket_.tell_put(*live(step.key));
    }
  }
  void change_old(const Step& step) {
    if (step.kind == Change::Kind::kDelete) {
      bucket_.tell(Event::Kind::kDelete, step.key.name);
      removed_.records.push_back(bucket_.remove(step.key));
      return;
    }
    auto& record = *bucket_.records_.find(step.key);
    const Life life{step.rev, step.expires};
    Record::Owner replaced;
    bucket_.replace(record, step.key, step.puts ? step.value : record->value(), life, replaced);
    if (replaced) removed_.records.push_back(std::move(replaced));
    if (!step.puts) bucket_.tell(Event::Kind::kTouch, step.key.name, step.expires);
  }

  Bucket& bucket_;
  const Turn& turn_;
  Moment now_;
  Removed& removed_;
  std::vector<HashedName> keys_;  // of the changes, then of the checks
  std::size_t changes_ = 0;       // how many
  std::vector<Step> steps_;
  std::uint64_t growth_ = 0;
  Revision rev_ = 0;
  bool changes_any_ = false;
};

Result<Applied> Bucket::apply(const Changes& changes, const Turn& turn, Removed& removed) {
  return Transaction{*this, turn, removed}.run(changes);
}

}  // namespace kvmesh::store
