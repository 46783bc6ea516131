#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kvmesh::security {

/// What one may be allowed to do.
enum class Right : std::uint8_t {
  kRead = 1,   ///< read the keys of buckets, and their names
  kWrite = 2,  ///< make, change and drop buckets
  kCall = 4,   ///< call functions of modules and servers
  kAdmin = 8,  ///< whatever concerns a node as a whole: reload, other people's tasks, the audit log
};

/// Several of them.
class RightSet {
 public:
  constexpr RightSet() = default;
  constexpr explicit RightSet(Right right) : bits_(static_cast<std::uint8_t>(right)) {}
  constexpr bool has(Right right) const { return (bits_ & static_cast<std::uint8_t>(right)) != 0; }
  constexpr void add(Right right) { add(RightSet{right}); }
  constexpr void add(RightSet more) { bits_ |= more.bits_; }
  constexpr bool empty() const { return bits_ == 0; }
  friend constexpr bool operator==(RightSet, RightSet) = default;

 private:
  std::uint8_t bits_ = 0;
};

/// The rights of one principal: to read and write buckets by prefixes of their names, to call
/// functions, to administer. Only what some entry grants is allowed. Costs a comparison of eight
/// bytes for each entry. Immutable once it is filled; thread-safe then.
class Rights {
 public:
  /// Everything with these rights.
  static Rights all(RightSet rights);

  /// kRead, kWrite or both, on buckets whose names begin with `prefix`; empty: all buckets.
  void grant(std::string prefix, RightSet rights);
  /// The functions that `pattern` matches: a name, or its beginning before "*" ("hello.*", "*").
  void grant_call(std::string pattern);
  void grant_admin() { admin_ = true; }

  /// REQUIRES: `right` is kRead or kWrite.
  bool may(Right right, std::string_view bucket) const;
  bool may_call(std::string_view function) const;
  bool may_call_something() const { return !calls_.empty(); }
  bool may_administer() const { return admin_; }
  /// Is there any bucket that may be read or written? Not: is there one now.
  bool may_anywhere(Right right) const;
  bool empty() const {
    return on_all_buckets_.empty() && buckets_.empty() && calls_.empty() && !admin_;
  }
  friend bool operator==(const Rights&, const Rights&) = default;

 private:
  struct OnPrefix {
    std::uint64_t head = 0;  // the first bytes of the prefix, as head_of() has them
    std::uint64_t mask = 0;  // which of these there are
    std::string prefix;
    RightSet rights;
    friend bool operator==(const OnPrefix&, const OnPrefix&) = default;
  };
  struct Call {
    std::string name;       // without the star
    bool is_start = false;  // of names, and not a whole one
    friend bool operator==(const Call&, const Call&) = default;
  };

  RightSet on_all_buckets_;
  std::vector<OnPrefix> buckets_;  // by prefixes that are not empty
  std::vector<Call> calls_;
  bool admin_ = false;
};

/// How a request says that nobody has proved anything to the node that it entered at. No user has
/// that name.
inline constexpr std::string_view kAnonymousName = "anonymous";

/// What a request may do: what the one who asks may, and, where a node vouches for that one, what
/// may pass through that node at most. Lives as long as the principals that it points into.
class Permit {
 public:
  /// `asker` is a name, kAnonymousName for one that has proved nothing. `ceiling` is null when the
  /// request came over the asker's own connection.
  Permit(std::string_view asker, const Rights& own, const Rights* ceiling = nullptr)
      : asker_(asker), own_(&own), ceiling_(ceiling) {}

  /// Nothing, for one that is not known here, or for whom the node may not ask.
  static Permit none(std::string_view asker, const Rights* ceiling);

  std::string_view asker() const { return asker_; }
  bool is_known() const { return is_known_; }
  bool is_anonymous() const { return asker_ == kAnonymousName; }
  /// REQUIRES: `right` is kRead or kWrite.
  bool may(Right right, std::string_view bucket) const {
    return own_->may(right, bucket) && (ceiling_ == nullptr || ceiling_->may(right, bucket));
  }
  bool may_call(std::string_view function) const {
    return own_->may_call(function) && (ceiling_ == nullptr || ceiling_->may_call(function));
  }
  /// Any function at all: to have a mailbox, and to write to those of others.
  bool may_call_something() const {
    return own_->may_call_something() && (ceiling_ == nullptr || ceiling_->may_call_something());
  }
  /// Nobody vouches for that: a node that was broken into must not administer others.
  bool may_administer() const { return ceiling_ == nullptr && own_->may_administer(); }
  const Rights& own() const { return *own_; }
  const Rights* ceiling() const { return ceiling_; }

 private:
  std::string_view asker_;
  const Rights* own_;
  const Rights* ceiling_;
  bool is_known_ = true;
};

}  // namespace kvmesh::security
