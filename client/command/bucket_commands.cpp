// create, drop, count, keys, buckets: what concerns whole buckets.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "client/command/commands.h"
#include "client/command/exit_status.h"
#include "client/command/json_lines.h"
#include "client/command/number_options.h"
#include "client/command/tsv.h"
#include "client/outcome.h"
#include "common/functions.h"

namespace kvmesh::command {
namespace {

struct Listing {
  std::string of;  // bucket or node
  std::string on;  // of a bucket: a node that is to say what it holds
  std::string after;
  std::uint64_t limit = 0;  // 0: all
};

using NextPage = std::function<Result<Names>(const std::string& after, std::uint32_t limit)>;

// Prints page by page, so that a list of any length needs little memory.
int print_names(Session& session, const Listing& listing, const NextPage& next_page) {
  std::string after = listing.after;
  std::uint64_t left = listing.limit;
  bool first = true;
  while (true) {
    const bool bounded = listing.limit != 0 && left < limits::kPageItemsDefault;
    const auto wanted = bounded ? static_cast<std::uint32_t>(left) : limits::kPageItemsDefault;
    const auto page = next_page(after, wanted);
    if (!page) {
      if (session.json() && !first) session.print_line("]");
      return session.fail(page.status());
    }
    std::string text;
    for (const auto& name : page->names) {
      if (session.json()) {
        text += (first ? "[" : ",") + bytes_as_json(name);
      } else {
        text += escape(name) + "\n";
      }
      first = false;
    }
    session.print(text);
    left -= std::min<std::uint64_t>(left, page->names.size());
    if (!page->more || page->names.empty() || (listing.limit != 0 && left == 0)) break;
    after = page->names.back();
  }
  if (session.json()) session.print_line(first ? "[]" : "]");
  return kExitOk;
}

void add_listing_options(CLI::App& command, Listing& listing) {
  command.add_option("--limit", listing.limit, "Print at most so many names; 0: all")
      ->type_name("N")
      ->check(whole_number());
  command.add_option("--after", listing.after, "Begin behind this name")->type_name("NAME");
}

struct OneBucket {
  std::string name;
  std::string on;  // a node; empty: where the bucket belongs
};

std::shared_ptr<OneBucket> add_bucket_argument(CLI::App& command) {
  auto bucket = std::make_shared<OneBucket>();
  command.add_option("BUCKET", bucket->name, "The bucket's name")->required();
  return bucket;
}

void add_on_node(CLI::App& command, std::string& on) {
  command.add_option("--on", on, kOnNode)->type_name("NODE");
}

void add_create(CLI::App& app, Session& session) {
  auto* command =
      app.add_subcommand("create", "Make an empty bucket; no error when it exists already");
  auto bucket = add_bucket_argument(*command);
  command->callback([&session, bucket] {
    session.action = [&session, bucket] {
      const auto client = session.client();
      if (!client) return session.fail(client.status());
      return session.finish_silent((*client)->create(bucket->name, session.timeout()));
    };
  });
}

void add_drop(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("drop", "Remove a bucket with all its keys");
  auto bucket = add_bucket_argument(*command);
  add_on_node(*command, bucket->on);
  command->callback([&session, bucket] {
    session.action = [&session, bucket] {
      const auto client = session.client();
      if (!client) return session.fail(client.status());
      return session.finish_silent(session.call(ops::drop(bucket->name), bucket->on).status);
    };
  });
}

void add_count(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("count", "Print how many keys a bucket has");
  auto bucket = add_bucket_argument(*command);
  add_on_node(*command, bucket->on);
  command->callback([&session, bucket] {
    session.action = [&session, bucket] {
      const auto client = session.client();
      if (!client) return session.fail(client.status());
      const auto count = client::count_of(session.call(ops::count(bucket->name), bucket->on),
                                          functions::kKvCount.name);
      if (!count) return session.fail(count.status());
      const std::string number = std::to_string(*count);
      session.print_line(session.json() ? "{\"count\":" + number + "}" : number);
      return kExitOk;
    };
  });
}

void add_keys(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("keys", "Print the keys of a bucket, one a line, in order");
  auto listing = std::make_shared<Listing>();
  command->add_option("BUCKET", listing->of, "The bucket's name")->required();
  add_listing_options(*command, *listing);
  add_on_node(*command, listing->on);
  command->callback([&session, listing] {
    session.action = [&session, listing] {
      const auto client = session.client();
      if (!client) return session.fail(client.status());
      return print_names(session, *listing, [&](const std::string& after, std::uint32_t limit) {
        return client::names_of(session.call(ops::keys(listing->of, after, limit), listing->on),
                                functions::kKvKeys.name);
      });
    };
  });
}

void add_buckets(CLI::App& app, Session& session) {
  auto* command =
      app.add_subcommand("buckets", "Print the buckets that a node stores, one a line, in order");
  auto listing = std::make_shared<Listing>();
  command->add_option("NODE", listing->of, kWhichNode);
  add_listing_options(*command, *listing);
  command->callback([&session, listing] {
    session.action = [&session, listing] {
      const auto client = session.client();
      if (!client) return session.fail(client.status());
      return print_names(session, *listing, [&](const std::string& after, std::uint32_t limit) {
        return (*client)->buckets(listing->of, after, limit, session.timeout());
      });
    };
  });
}

}  // namespace

void add_bucket_commands(CLI::App& app, Session& session) {
  add_create(app, session);
  add_drop(app, session);
  add_keys(app, session);
  add_count(app, session);
  add_buckets(app, session);
}

}  // namespace kvmesh::command
