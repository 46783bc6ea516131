// create, drop: of one bucket or many.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "client/command/base/program.h"
#include "client/command/base/session.h"
#include "client/command/buckets/bucket_list.h"
#include "client/command/buckets/bucket_options.h"
#include "client/command/commands.h"
#include "client/command/verify/live_mesh.h"
#include "client/verify/mesh_model.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

constexpr std::size_t kBucketsAtOnce = 1000;

struct BucketsNamed {
  std::vector<std::string> names;
  std::string on;                   // a node; empty: where each bucket belongs
  std::optional<RouteRange> range;  // instead of names
};

using MakeOperation = std::function<Operation(std::string_view bucket)>;

struct Done {
  std::uint64_t buckets = 0;
  int exit_status = kExitOk;  // of the first failure
};

// Failures of several buckets, those that failed alike together.
class Failures {
 public:
  void add(const Status& status, const std::string& bucket) {
    auto same = std::ranges::find_if(all_, [&](const auto& one) {
      return one.status.code() == status.code() && one.status.text() == status.text();
    });
    if (same == all_.end()) same = all_.insert(all_.end(), {status, {}, 0});
    if (same->buckets.size() < kNamedMax) same->buckets.push_back(in_quotes(bucket));
    ++same->count;
  }

  // The exit status of the first; kExitOk when there was none.
  int tell(const Session& session) const {
    int exit_status = kExitOk;
    for (const auto& [status, buckets, count] : all_) {
      std::string text = (count == 1 ? "bucket " : "buckets ") + joined(buckets, ", ");
      if (count > kNamedMax) text += " and " + std::to_string(count - kNamedMax) + " more";
      const int failed = session.fail({status.code(), text + ": " + status.text()});
      if (exit_status == kExitOk) exit_status = failed;
    }
    return exit_status;
  }

 private:
  static constexpr std::size_t kNamedMax = 20;

  struct Alike {
    Status status;
    std::vector<std::string> buckets;
    std::size_t count;
  };

  std::vector<Alike> all_;
};

// Tells what failed, of several with the names of the buckets.
Done do_for_each(Session& session, Client& client, std::span<const std::string> buckets,
                 const std::string& on, const MakeOperation& make) {
  Done done;
  for (std::size_t at = 0; at < buckets.size(); at += kBucketsAtOnce) {
    const auto some = buckets.subspan(at, std::min(kBucketsAtOnce, buckets.size() - at));
    std::vector<Operation> operations;
    operations.reserve(some.size());
    for (const auto& bucket : some) {
      operations.push_back(on.empty() ? make(bucket) : ops::here(on, make(bucket)));
    }
    const auto outcomes = client.call(std::move(operations), session.timeout());
    Failures failures;
    for (std::size_t i = 0; i < some.size(); ++i) {
      const Status& status = outcomes[i].status;
      if (status.ok()) {
        ++done.buckets;
        continue;
      }
      if (buckets.size() == 1) return {0, session.fail(status)};
      failures.add(status, some[i]);
    }
    if (const int failed = failures.tell(session); done.exit_status == kExitOk) {
      done.exit_status = failed;
    }
  }
  return done;
}

int do_for_named(Session& session, const BucketsNamed& buckets, const MakeOperation& make) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  const auto done = do_for_each(session, **client, buckets.names, buckets.on, make);
  return done.exit_status == kExitOk ? session.finish_silent({}) : done.exit_status;
}

// The node, when its table gives nothing of the range to it, so that no request finds what it holds
// of that.
Result<verify::MeshNode> check_strays(Session& session, Client& client, const std::string& node,
                                      const RouteRange& range) {
  const auto info = client.info(node, session.timeout());
  if (!info) return info.status();
  auto told = told_node(*info, node);
  if (!told) return told.status();
  verify::NameSet names;
  names.insert(range);
  names.remove(names_beyond(range, told->table));
  const auto own = common_to(names, verify::own_names(*told));
  if (own.empty()) return told;
  return Status{StatusCode::kInvalidArgument,
                "the table of " + node + " gives it the buckets of " + own.to_string() +
                    ", which are in use; drop --range is for what a node holds though its table "
                    "gives it to others"};
}

int drop_strays(Session& session, const std::string& node, const RouteRange& range) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  BucketList list{**client, node, names_in(range), session.timeout()};
  std::uint64_t dropped = 0;
  int exit_status = kExitOk;
  while (exit_status == kExitOk) {
    // For each page: the table may change meanwhile.
    const auto told = check_strays(session, **client, node, range);
    if (!told) return session.fail(told.status());
    auto names = list.next();
    if (!names) return session.fail(names.status());
    if (names->empty()) break;
    const auto beyond = names_beyond(range, told->table);
    std::erase_if(*names, [&](const auto& name) {
      return verify::is_its_own(*told, name) || beyond.holds(name);
    });
    const auto done = do_for_each(session, **client, *names, node, ops::drop);
    exit_status = done.exit_status;
    dropped += done.buckets;
  }
  if (session.json()) {
    session.print_json(Value::Map{{"dropped", dropped}});
  } else {
    session.print_line("dropped " + std::to_string(dropped) +
                       (dropped == 1 ? " bucket" : " buckets"));
  }
  return exit_status;
}

int drop(Session& session, const BucketsNamed& buckets) {
  if (buckets.names.empty() == !buckets.range) {
    session.complain("name the buckets to drop, or --on NODE and --range RANGE");
    return kExitUsage;
  }
  if (!buckets.range) return do_for_named(session, buckets, ops::drop);
  if (buckets.on.empty()) {
    session.complain(
        "--range needs --on NODE: it drops what that node holds though its table "
        "gives it to others");
    return kExitUsage;
  }
  return drop_strays(session, buckets.on, *buckets.range);
}

}  // namespace

void add_create_and_drop(CLI::App& app, Session& session) {
  auto* create_command =
      app.add_subcommand("create", "Make empty buckets; no error for one that exists already");
  auto created = std::make_shared<BucketsNamed>();
  auto options = std::make_shared<BucketOptions>();
  create_command->add_option("BUCKET", created->names, "The buckets' names")->required();
  add_bucket_options(*create_command, *options);
  create_command->callback([&session, created, options] {
    session.action = [&session, created, options] {
      return do_for_named(session, *created, [options](std::string_view bucket) {
        return options->any() ? ops::create(bucket, *options) : ops::create(bucket);
      });
    };
  });
  add_options_command(app, session);

  auto* drop_command = app.add_subcommand("drop", "Remove buckets with all their keys");
  auto dropped = std::make_shared<BucketsNamed>();
  drop_command->add_option("BUCKET", dropped->names, "The buckets' names");
  drop_command->add_option("--on", dropped->on, kOnNode)->type_name("NODE");
  add_range(*drop_command, dropped->range,
            "With --on: all of this range, which its table gives to others: t..z, hash:0x3f");
  drop_command->callback([&session, dropped] {
    session.action = [&session, dropped] { return drop(session, *dropped); };
  });
}

}  // namespace kvmesh::command
