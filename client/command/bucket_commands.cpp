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
#include "client/command/tsv.h"

namespace kvmesh::command {
namespace {

struct Listing {
  std::string of;  // bucket or node
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
      ->type_name("N");
  command.add_option("--after", listing.after, "Begin behind this name")->type_name("NAME");
}

// A command that does one thing to one bucket and says nothing unless it fails.
void add_silent(CLI::App& app, Session& session, const char* name, const char* help,
                Status (Client::*call)(std::string_view, Timeout)) {
  auto* command = app.add_subcommand(name, help);
  auto bucket = std::make_shared<std::string>();
  command->add_option("BUCKET", *bucket, "The bucket's name")->required();
  command->callback([&session, bucket, call] {
    session.action = [&session, bucket, call] {
      const auto client = session.client();
      if (!client) return session.fail(client.status());
      const Status status = ((*client)->*call)(*bucket, session.timeout());
      return session.finish_silent(status);
    };
  });
}

void add_count(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("count", "Print how many keys a bucket has");
  auto bucket = std::make_shared<std::string>();
  command->add_option("BUCKET", *bucket, "The bucket's name")->required();
  command->callback([&session, bucket] {
    session.action = [&session, bucket] {
      const auto client = session.client();
      if (!client) return session.fail(client.status());
      const auto count = (*client)->count(*bucket, session.timeout());
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
  command->callback([&session, listing] {
    session.action = [&session, listing] {
      const auto client = session.client();
      if (!client) return session.fail(client.status());
      return print_names(session, *listing, [&](const std::string& after, std::uint32_t limit) {
        return (*client)->keys(listing->of, after, limit, session.timeout());
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
  add_silent(app, session, "create", "Make an empty bucket; no error when it exists already",
             &Client::create);
  add_silent(app, session, "drop", "Remove a bucket with all its keys", &Client::drop);
  add_keys(app, session);
  add_count(app, session);
  add_buckets(app, session);
}

}  // namespace kvmesh::command
