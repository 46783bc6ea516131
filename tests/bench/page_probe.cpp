#include <cstdio>
#include <utility>

#include <kvmesh/client.h>

#include "client/bench/percentiles.h"
#include "tests/bench/probes.h"

namespace kvmesh::bench {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::uint32_t kLimit = 1000;

// A page: its last key, and what it takes to judge it.
struct Page {
  bool more = false;
  std::vector<std::string> keys;
  std::uint64_t values = 0;  // that are there
};

class Pages {
 public:
  Pages(Client& client, const PageProbe& probe) : client_(client), probe_(probe) {}

  Status run() {
    const auto end = Clock::now() + probe_.duration;
    do {
      if (auto status = once(); !status.ok()) return status;
    } while (Clock::now() < end);
    return {};
  }
  void print() const {
    const nlohmann::ordered_json out = {
        {"pages", latency_.count()},
        {"first_page_us", static_cast<double>(first_.count()) / 1e3},
        {"latency_us", json_of(latency_)}};
    std::printf("%s\n", out.dump().c_str());
  }

 private:
  // All pages of the bucket.
  Status once() {
    std::string after;
    std::uint64_t seen = 0;
    for (bool more = true; more;) {
      const auto began = Clock::now();
      auto page = next(after);
      const std::chrono::nanoseconds took = Clock::now() - began;
      if (!page.ok()) return page.status();
      if (latency_.count() == 0) first_ = took;
      latency_.add(static_cast<std::uint64_t>(took.count()));
      for (auto& key : page->keys) {
        if (!after.empty() && key <= after) return wrong("keys are not in their order");
        after = std::move(key);
      }
      if (probe_.call == "scan-values" && page->values != page->keys.size()) {
        return wrong("a value is missing");
      }
      if (page->keys.empty() && page->more) return wrong("a page is empty, and more follow");
      seen += page->keys.size();
      more = page->more;
    }
    return seen == probe_.keys ? Status{} : wrong("it told " + std::to_string(seen) + " keys");
  }

  Result<Page> next(const std::string& after) {
    Page page;
    if (probe_.call == "keys") {
      auto names = client_.keys(probe_.bucket, after, kLimit);
      if (!names.ok()) return names.status();
      return Page{names->more, std::move(names->names), 0};
    }
    ScanOptions options;
    options.limit = kLimit;
    options.values = probe_.call == "scan-values";
    if (!after.empty()) options.after = after;
    auto scanned = client_.scan(probe_.bucket, options, 60s);
    if (!scanned.ok()) return scanned.status();
    page.more = scanned->more;
    page.keys.reserve(scanned->items.size());
    for (auto& item : scanned->items) {
      page.keys.push_back(std::move(item.key));
      page.values += item.entry.value.empty() ? 0 : 1;
    }
    return page;
  }

  Status wrong(const std::string& what) const {
    return {StatusCode::kProtocolError, probe_.call + " of " + probe_.bucket + ": " + what};
  }

  Client& client_;
  const PageProbe& probe_;
  Histogram latency_;
  std::chrono::nanoseconds first_{0};
};

}  // namespace

Status probe_pages(const PageProbe& probe) {
  Client::Options options;
  options.endpoints = {probe.endpoint};
  auto client = Client::open(options);
  if (!client.ok()) return client.status();
  Pages pages{**client, probe};
  if (auto status = pages.run(); !status.ok()) return status;
  pages.print();
  return {};
}

}  // namespace kvmesh::bench
