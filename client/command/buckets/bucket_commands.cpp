// count, keys, buckets: what buckets there are, and what is in them.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/command/base/escape.h"
#include "client/command/base/numbers.h"
#include "client/command/base/program.h"
#include "client/command/base/session.h"
#include "client/command/buckets/bucket_list.h"
#include "client/command/commands.h"
#include "client/command/nodes/info_text.h"
#include "client/outcome.h"
#include "common/functions.h"
#include "common/text.h"
#include "common/utf8.h"

namespace kvmesh::command {
namespace {

struct Listing {
  std::string of;  // bucket or node
  std::string on;  // of a bucket: a node that is to say what it holds
  std::string after;
  std::uint64_t limit = 0;  // 0: all
};

constexpr std::size_t kResultNamesMax = 10000;

Value name_as_value(const std::string& name) {
  return is_utf8(name) ? Value{name} : Value{Bytes{name}};
}

using NextPage = std::function<Result<Names>(const std::string& after, std::uint32_t limit)>;

// Prints page by page, so that a list of any length needs little memory. Few enough names are the
// result as well.
int print_names(Session& session, const Listing& listing, const NextPage& next_page) {
  std::string after = listing.after;
  std::uint64_t left = listing.limit;
  bool first = true;
  Value::List result;
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
        text += (first ? "[" : ",") + Value{Bytes{name}}.to_json();
      } else {
        text += escape(name) + "\n";
      }
      first = false;
      if (result.size() <= kResultNamesMax) result.push_back(name_as_value(name));
    }
    session.print(text);
    left -= std::min<std::uint64_t>(left, page->names.size());
    if (!page->more || page->names.empty() || (listing.limit != 0 && left == 0)) break;
    after = page->names.back();
  }
  if (session.json()) session.print_line(first ? "[]" : "]");
  if (result.size() <= kResultNamesMax) {
    session.result = std::move(result);
  } else {
    session.why_no_result = "more than " + std::to_string(kResultNamesMax) +
                            " names are no result; --limit gives fewer, from --after on";
  }
  return kExitOk;
}

void add_listing_options(CLI::App& command, Listing& listing) {
  command.add_option("--limit", listing.limit, "Print at most so many names; 0: all")
      ->type_name("N")
      ->check(whole_number());
  command.add_option("--after", listing.after, "Begin after this name")->type_name("NAME");
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
      if (session.json()) {
        session.print_json(Value::Map{{"count", *count}});
      } else {
        session.print_line(std::to_string(*count));
      }
      session.result = Value{*count};
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

struct BucketsWanted {
  Listing listing;  // of a node; empty: of the mesh
  std::string prefix;
  std::optional<RouteRange> range;

  NameBounds bounds() const {
    auto out = range ? names_in(*range) : names_with(prefix);
    out.begin_after(listing.after);
    return out;
  }
};

// A node without storage has no such function: the nodes that its table names may have.
Status say_who_stores(Session& session, Client& client, const std::string& node, Status status) {
  if (status.code() != StatusCode::kUndefinedFunction) return status;
  const auto info = client.info(node, session.timeout());
  if (!info || stores_buckets(*info)) return status;
  const std::string name = text_at(*info, "name");
  std::vector<std::string> others;
  if (const Value* table = info->find("table"); table != nullptr) {
    for (const auto& entry : list_at(*table, "entries")) {
      auto other = text_at(entry, "node");
      if (other != name && std::ranges::find(others, other) == others.end()) {
        others.push_back(std::move(other));
      }
    }
  }
  return {status.code(),
          name + " stores no buckets" + (others.empty() ? "" : "; ask " + joined(others, " or "))};
}

int list_of_node(Session& session, Client& client, const BucketsWanted& wanted) {
  const auto& node = wanted.listing.of;
  BucketList list{client, node, wanted.bounds(), session.timeout()};
  return print_names(session, wanted.listing,
                     [&](const std::string& /*after*/, std::uint32_t limit) -> Result<Names> {
                       auto names = list.next(limit);
                       if (!names) return say_who_stores(session, client, node, names.status());
                       return Names{*std::move(names), true};
                     });
}

int list_of_mesh(Session& session, const BucketsWanted& wanted) {
  auto buckets = MeshBuckets::open(session, wanted.bounds());
  if (!buckets) return session.fail(buckets.status());
  const int status = print_names(
      session, wanted.listing,
      [&](const std::string& /*after*/, std::uint32_t limit) { return buckets->next(limit); });
  for (const auto& remark : buckets->strays()) session.complain(remark);
  for (const auto& remark : buckets->missing()) session.complain(remark);
  return status == kExitOk && !buckets->missing().empty() ? kExitIncomplete : status;
}

int list_buckets(Session& session, const BucketsWanted& wanted) {
  if (wanted.range && !wanted.prefix.empty()) {
    session.complain("give --prefix or --range, not both");
    return kExitUsage;
  }
  if (!wanted.listing.of.empty() && !wanted.listing.on.empty()) {
    session.complain("name one node: " + in_quotes(wanted.listing.of) + ", or --on " +
                     in_quotes(wanted.listing.on));
    return kExitUsage;
  }
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  if (wanted.listing.of.empty() && wanted.listing.on.empty()) return list_of_mesh(session, wanted);
  auto of_node = wanted;
  if (of_node.listing.of.empty()) of_node.listing.of = wanted.listing.on;
  return list_of_node(session, **client, of_node);
}

void add_buckets(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "buckets", "Print the buckets of the mesh, or those that a node holds, one a line, in order");
  command->footer(exit_statuses({}, "a node did not answer"));
  auto wanted = std::make_shared<BucketsWanted>();
  command->add_option("NODE", wanted->listing.of, "The same as --on");
  command->add_option("--on", wanted->listing.on, "All that this node holds, wherever tables lead")
      ->type_name("NODE");
  command->add_option("--prefix", wanted->prefix, "Only names that begin with this text")
      ->type_name("PREFIX");
  add_range(*command, wanted->range, "Only names of this range: t..z, hash:0x00..0x7f");
  add_listing_options(*command, wanted->listing);
  command->callback([&session, wanted] {
    session.action = [&session, wanted] { return list_buckets(session, *wanted); };
  });
}

}  // namespace

void add_bucket_commands(CLI::App& app, Session& session) {
  add_create_and_drop(app, session);
  add_keys(app, session);
  add_count(app, session);
  add_buckets(app, session);
}

}  // namespace kvmesh::command
