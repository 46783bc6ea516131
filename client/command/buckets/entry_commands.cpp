// read, scan, add, touch, watch: keys with their revisions.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/command/base/numbers.h"
#include "client/command/base/program.h"
#include "client/command/base/session.h"
#include "client/command/buckets/apply_options.h"
#include "client/command/buckets/entry_text.h"
#include "client/command/commands.h"
#include "common/text.h"
#include "common/utf8.h"

namespace kvmesh::command {
namespace {

Value as_value(const std::string& bytes) {
  return is_utf8(bytes) ? Value{bytes} : Value{Bytes{bytes}};
}

struct ReadArguments {
  std::string bucket;
  std::vector<std::string> keys;
  std::string on;
};

int read_keys(Session& session, const ReadArguments& arguments) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  const auto read =
      entries_of(session.call(ops::read(arguments.bucket, arguments.keys), arguments.on));
  if (!read) return session.fail(read.status());
  if (read->entries.size() != arguments.keys.size()) {
    return session.fail({StatusCode::kProtocolError, "the node's answer is of other keys"});
  }
  int status = kExitOk;
  std::string text;
  Value::List result;
  for (std::size_t i = 0; i < arguments.keys.size(); ++i) {
    const auto& key = arguments.keys[i];
    const auto* entry = read->entries[i] ? &*read->entries[i] : nullptr;
    if (session.json()) {
      text += item_json(key, entry, Columns::kValues).to_json() + "\n";
    } else if (entry != nullptr) {
      text += item_line({key, *entry}, Columns::kValues);
    }
    if (entry == nullptr) {
      result.emplace_back();
      status = kExitMissingKey;
      continue;
    }
    result.push_back(Value::Map{
        {"rev", entry->rev}, {"ttl_ms", ttl_json(entry->ttl)}, {"value", as_value(entry->value)}});
  }
  session.print(text);
  for (std::size_t i = 0; i < arguments.keys.size(); ++i) {
    if (!read->entries[i]) (void)fail_missing_key(session, arguments.bucket, arguments.keys[i]);
  }
  if (status == kExitOk) session.result = result.size() == 1 ? result.front() : Value{result};
  return status;
}

void add_read(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "read", "Print keys as they are at one instant, each with revision, time to live and value");
  command->footer(exit_statuses("a key is not there"));
  auto arguments = std::make_shared<ReadArguments>();
  command->add_option("BUCKET", arguments->bucket, "The bucket's name")->required();
  command->add_option("KEY", arguments->keys, "The keys")->required();
  command->add_option("--on", arguments->on, kOnNode)->type_name("NODE");
  command->callback([&session, arguments] {
    session.action = [&session, arguments] { return read_keys(session, *arguments); };
  });
}

struct ScanArguments {
  std::string bucket;
  std::string prefix;
  std::optional<std::string> after;
  std::uint64_t limit = 0;  // 0: all
  bool values = false;
  bool keys = false;
  std::string on;

  Columns columns() const {
    return values ? Columns::kValues : keys ? Columns::kKeys : Columns::kRevisions;
  }
};

int scan_keys(Session& session, const ScanArguments& arguments) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  ScanOptions options;
  options.prefix = arguments.prefix;
  options.after = arguments.after;
  options.values = arguments.values;
  std::uint64_t left = arguments.limit;
  while (true) {
    const bool bounded = arguments.limit != 0 && left < limits::kPageItemsDefault;
    options.limit = bounded ? static_cast<std::uint32_t>(left) : limits::kPageItemsDefault;
    const auto page =
        scan_page_of(session.call(ops::scan(arguments.bucket, options), arguments.on));
    if (!page) return session.fail(page.status());
    std::string text;
    for (const auto& item : page->items) {
      text += session.json()
                  ? item_json(item.key, &item.entry, arguments.columns()).to_json() + "\n"
                  : item_line(item, arguments.columns());
    }
    session.print(text);
    left -= std::min<std::uint64_t>(left, page->items.size());
    if (!page->more || (arguments.limit != 0 && left == 0)) return kExitOk;
    options.after = page->items.back().key;
  }
}

void add_scan(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "scan", "Print the keys of a bucket in order, with their revisions and times to live");
  auto arguments = std::make_shared<ScanArguments>();
  command->add_option("BUCKET", arguments->bucket, "The bucket's name")->required();
  command->add_option("--prefix", arguments->prefix, "Only keys that begin with this")
      ->type_name("PREFIX");
  command->add_option("--after", arguments->after, "Begin after this key")->type_name("KEY");
  command->add_option("--limit", arguments->limit, "Print at most so many keys; 0: all")
      ->type_name("N")
      ->check(whole_number());
  auto* values = command->add_flag("--values", arguments->values, "Print the values, too");
  command->add_flag("--keys", arguments->keys, "Print the keys alone")->excludes(values);
  command->add_option("--on", arguments->on, kOnNode)->type_name("NODE");
  command->callback([&session, arguments] {
    session.action = [&session, arguments] { return scan_keys(session, *arguments); };
  });
}

struct ChangeArguments : ApplyOptions {
  std::string bucket;
  std::string key;
  std::int64_t delta = 0;
  bool forever = false;
};

void add_key_arguments(CLI::App& command, ChangeArguments& arguments) {
  command.add_option("BUCKET", arguments.bucket, "The bucket's name")->required();
  command.add_option("KEY", arguments.key, "The key")->required();
}

int add_to(Session& session, const ChangeArguments& arguments) {
  return apply_change(session, arguments.bucket, "", Change::add(arguments.key, arguments.delta),
                      arguments, [&session](const Applied& applied) {
                        const auto number = applied.done.front().number.value_or(0);
                        if (session.json()) {
                          session.print_json(Value::Map{{"number", number}, {"rev", applied.rev}});
                        } else {
                          session.print_line(std::to_string(number));
                        }
                        session.result = Value{number};
                        return kExitOk;
                      });
}

void add_add(CLI::App& app, Session& session) {
  auto* command =
      app.add_subcommand("add", "Add to the number under a key, and print what it is now");
  auto arguments = std::make_shared<ChangeArguments>();
  add_key_arguments(*command, *arguments);
  command
      ->add_option_function<std::string>(
          "DELTA",
          [arguments](const std::string& given) {
            const char* end = given.data() + given.size();
            const auto [at, error] = std::from_chars(given.data(), end, arguments->delta);
            if (error != std::errc{} || at != end) {
              throw CLI::ValidationError("DELTA", in_quotes(given) +
                                                      " is no whole number of 64 bits, such as 1 "
                                                      "or -5");
            }
          },
          "A whole number, also negative; a key that is not there counts as 0")
      ->required();
  add_ttl(*command, arguments->ttl,
          "Let the key expire after this time, for example 10s or 7d; else it expires when it did "
          "before");
  add_once(*command, *arguments);
  command->callback([&session, arguments] {
    session.action = [&session, arguments] { return add_to(session, *arguments); };
  });
}

int touch_key(Session& session, const ChangeArguments& arguments) {
  if (arguments.forever == arguments.ttl.has_value()) {
    session.complain("touch takes one of --ttl DURATION and --forever; see kvmesh touch --help");
    return kExitUsage;
  }
  return apply_change(session, arguments.bucket, "", Change::touch(arguments.key), arguments,
                      [&](const Applied& applied) {
                        if (applied.done.front().was_there) return print_revision(session, applied);
                        if (session.json()) {
                          session.print_json(Value::Map{{"ok", false}, {"rev", std::int64_t{0}}});
                        }
                        return fail_missing_key(session, arguments.bucket, arguments.key);
                      });
}

void add_touch(CLI::App& app, Session& session) {
  auto* command =
      app.add_subcommand("touch", "Let a key expire at another time, and print its new revision");
  command->footer(exit_statuses("the bucket has no such key"));
  auto arguments = std::make_shared<ChangeArguments>();
  add_key_arguments(*command, *arguments);
  add_ttl(*command, arguments->ttl, "The time from now on, for example 10s or 7d");
  command->add_flag("--forever", arguments->forever, "It does not expire any more");
  command->callback([&session, arguments] {
    session.action = [&session, arguments] { return touch_key(session, *arguments); };
  });
}

struct WatchArguments {
  std::string bucket;
  WatchOptions options;
};

int watch_bucket(Session& session, const WatchArguments& arguments) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  FollowedBucket followed{arguments.bucket, arguments.options, {session.json(), false}};
  while (true) {
    auto [operation, wait] = followed.next();
    const auto told = followed.take((*client)->call(operation, wait + session.options.timeout));
    session.print(told.lines);
    for (const auto& note : told.notes) session.complain(note);
    if (!told.failed.ok()) {
      return session.fail(with_create_hint(told.failed, arguments.bucket));
    }
    if (told.pause.count() > 0) std::this_thread::sleep_for(told.pause);
  }
}

void add_watch(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("watch", "Print each change of a bucket as it comes");
  auto arguments = std::make_shared<WatchArguments>();
  command->add_option("BUCKET", arguments->bucket, "The bucket's name")->required();
  command->add_option("--prefix", arguments->options.prefix, "Only of keys that begin with this")
      ->type_name("PREFIX");
  auto* since = command
                    ->add_option("--since", arguments->options.since,
                                 "Begin with the changes after this revision, and not from now on")
                    ->type_name("N")
                    ->check(whole_number());
  command
      ->add_flag("--scan", arguments->options.scan,
                 "Print what is there first, and anew after each gap")
      ->excludes(since);
  command->callback([&session, arguments] {
    session.action = [&session, arguments] { return watch_bucket(session, *arguments); };
  });
}

}  // namespace

void add_entry_commands(CLI::App& app, Session& session) {
  add_read(app, session);
  add_scan(app, session);
  add_add(app, session);
  add_touch(app, session);
  add_watch(app, session);
}

}  // namespace kvmesh::command
