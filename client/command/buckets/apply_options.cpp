#include "client/command/buckets/apply_options.h"

#include <chrono>
#include <utility>

#include "client/command/base/numbers.h"
#include "client/command/base/program.h"
#include "client/command/buckets/entry_text.h"
#include "common/text.h"

namespace kvmesh::command {

void add_if_rev(CLI::App& command, ApplyOptions& options) {
  command
      .add_option("--if-rev", options.if_rev,
                  "Only if the key has this revision, as read prints it; 0: if it is not there")
      ->type_name("N")
      ->check(whole_number());
}

void add_if_absent(CLI::App& command, ApplyOptions& options) {
  command
      .add_flag_callback(
          "--if-absent", [&options] { options.if_rev = 0; }, "Only if the key is not there")
      ->excludes(command.get_option("--if-rev"));
}

CLI::Option* add_ttl(CLI::App& command, std::optional<std::chrono::milliseconds>& ttl,
                     const char* text) {
  return command
      .add_option_function<std::string>(
          "--ttl",
          [&ttl](const std::string& given) {
            ttl = parse_duration(given, limits::kTtlMax);
            if (!ttl) {
              throw CLI::ValidationError("--ttl", in_quotes(given) +
                                                      " is no duration between 1ms and 100 years "
                                                      "(36525d); write for example 10s, 5m or 7d");
            }
          },
          text)
      ->type_name("DURATION");
}

void add_once(CLI::App& command, ApplyOptions& options) {
  command
      .add_option_function<std::string>(
          "--once",
          [&options](const std::string& given) {
            options.once = OnceId::parse(given);
            if (!options.once) {
              throw CLI::ValidationError("--once", in_quotes(given) +
                                                       " is no id; it has 32 hexadecimal digits, "
                                                       "with or without dashes: take a new one "
                                                       "from uuidgen");
            }
          },
          "Change nothing where a call with this id, 32 hexadecimal digits, did so in the last "
          "minute: it may be repeated")
      ->type_name("ID");
}

int apply_change(Session& session, const std::string& bucket, const std::string& on, Change change,
                 const ApplyOptions& options, const std::function<int(const Applied&)>& done) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  Apply apply;
  Check check{change.key, options.if_rev.value_or(0)};
  change.ttl = options.ttl;
  apply.changes.push_back(std::move(change));
  if (options.if_rev) apply.checks.push_back(check);
  apply.once = options.once;
  const auto applied = applied_of(session.call(ops::apply(bucket, apply), on));
  if (!applied) {
    auto status = applied.status();
    if (options.once && status.code() == StatusCode::kOutcomeUnknown) {
      status = {status.code(), status.text() +
                                   "; the same command with the same --once is safe to repeat "
                                   "within a minute"};
    }
    return session.fail(with_create_hint(std::move(status), bucket));
  }
  if (applied->conflict) {
    const auto rev = applied->conflict->rev;
    session.complain(conflict_text(check, rev));
    if (session.json()) {
      session.print_json(
          Value::Map{{"conflict", Value::Map{{"key", Bytes{check.key}}, {"rev", rev}}}});
    }
    return kExitConflict;
  }
  if (applied->done.size() != 1) {
    return session.fail({StatusCode::kProtocolError, "the node's answer is of other changes"});
  }
  return done(*applied);
}

int print_revision(Session& session, const Applied& applied) {
  if (session.json()) {
    session.print_json(Value::Map{{"ok", true}, {"rev", applied.rev}});
  } else {
    session.print_line(std::to_string(applied.rev));
  }
  session.result = Value{applied.rev};
  return kExitOk;
}

int fail_missing_key(const Session& session, std::string_view bucket, std::string_view key) {
  session.complain("no key " + in_quotes(key) + " in bucket " + in_quotes(bucket));
  return kExitMissingKey;
}

namespace {

// A bucket's name as it is typed to a shell, where that is simple.
std::string as_word(const std::string& bucket) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/@";
  return bucket.find_first_not_of(kPlain) == std::string::npos ? bucket : "BUCKET";
}

}  // namespace

Status with_create_hint(Status status, const std::string& bucket) {
  if (status.code() != StatusCode::kNotFound) return status;
  return {status.code(), status.text() + "; kvmesh create " + as_word(bucket) + " makes it"};
}

std::string exit_statuses_of_checks(std::string_view one) {
  return exit_statuses(one, {}, "a conflict: a check did not hold, and nothing was changed");
}

}  // namespace kvmesh::command
