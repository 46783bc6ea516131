// What the command prints for people: durations, numbers, tables, progress, summaries, hops.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/command/base/numbers.h"
#include "client/command/base/session.h"
#include "client/command/base/table.h"
#include "client/command/nodes/hops_text.h"
#include "client/command/nodes/info_text.h"
#include "client/command/nodes/nodes_text.h"
#include "client/command/transfer/progress.h"

namespace kvmesh::command {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Duration, ReadsNumbersWithAUnit) {
  EXPECT_EQ(parse_duration("250ms"), milliseconds{250});
  EXPECT_EQ(parse_duration("5s"), seconds{5});
  EXPECT_EQ(parse_duration("1.5s"), milliseconds{1500});
  EXPECT_EQ(parse_duration("2m"), seconds{120});
  EXPECT_EQ(parse_duration("5"), seconds{5});
  EXPECT_EQ(parse_duration("0.25"), milliseconds{250});
  EXPECT_EQ(parse_duration("24h"), limits::kTimeoutMax);
}

TEST(Duration, RefusesTheRest) {
  for (const char* text :
       {"", ".", "s", "ms", "-5s", "+5s", "5 s", " 5s", "1e3s", "0x5s", "infs", "nans", "0s",
        "0.1ms", "25h", "1.2.3s", ".s", "5S", "99999999999999999999s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Duration, WritesTheUnitThatSuits) {
  EXPECT_EQ(duration_text(microseconds{85}), "85 us");
  EXPECT_EQ(duration_text(microseconds{12'345}), "12.3 ms");
  EXPECT_EQ(duration_text(milliseconds{2140}), "2.1 s");
  EXPECT_EQ(duration_text(seconds{185}), "3 min 05 s");
  EXPECT_EQ(duration_text(seconds{7800}), "2 h 10 min");
}

TEST(Numbers, AreGroupedByThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(byte_count(1023), "1023 B");
  EXPECT_EQ(byte_count(1536), "1.5 KiB");
  EXPECT_EQ(byte_count(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(byte_count(~std::uint64_t{0}), "16.0 EiB");
}

TEST(Table, AlignsColumnsByWhatATerminalShows) {
  Table table({{"name"}, {"n", Table::Align::kRight}, {"why"}});
  table.add({"Zürich", "7", ""});
  table.add({"b", "1,000", "because"});
  EXPECT_EQ(table.to_string(),
            "name        n  why\n"
            "Zürich      7\n"
            "b       1,000  because\n");
  EXPECT_EQ(table.to_string(true).substr(0, 4), "\x1b[1m");
}

TEST(ProgressText, TellsPercentageRateAndTimeLeft) {
  Progress progress;
  progress.records = 26'310;
  progress.bytes = 50;
  progress.bytes_total = 200;
  progress.elapsed = seconds{2};
  EXPECT_EQ(progress_line(progress, 200),
            "[======>                 ] 25%  26,310 records  13,155/s  6 s left");
  progress.failed = 3;
  progress.bytes = 200;
  EXPECT_EQ(progress_line(progress, 200),
            "[========================] 100%  26,310 records  13,155/s  3 failed");
}

TEST(ProgressText, TellsWhatItCanWithoutATotal) {
  Progress progress;
  progress.records = 10;
  EXPECT_EQ(progress_line(progress, 200), "10 records  10,000/s");
  progress.elapsed = seconds{5};
  EXPECT_EQ(progress_line(progress, 200), "10 records  2/s");
  EXPECT_EQ(progress_line(progress, 5), "10 re");
  progress.bytes_total = 0;
  EXPECT_EQ(progress_line(progress, 200), "10 records  2/s");
}

TEST(SummaryText, IsOneLine) {
  const Summary summary{"imported", "into", 61234, 10206, 0, milliseconds{2100}};
  EXPECT_EQ(summary_line(summary),
            "imported 61234 records into 10206 buckets in 2.1 s (29159/s), 0 failed");
  EXPECT_EQ(summary_json(summary).to_json(),
            R"({"records":61234,"buckets":10206,"failed":0,"seconds":2.1})");
  EXPECT_EQ(summary_line({"exported", "from", 1, 1, 2, seconds{1}}),
            "exported 1 record from 1 bucket in 1.0 s (1/s), 2 failed");
}
Hop hop(std::string node, std::string entry, std::string next, int elapsed, int executed,
        int queued, std::uint64_t link) {
  return {std::move(node),
          std::move(entry),
          std::move(next),
          microseconds{elapsed},
          microseconds{executed},
          microseconds{queued},
          link};
}

TEST(Hops, ThePartsOfAllHopsMakeTheRoundTrip) {
  const std::vector<Hop> hops = {hop("gate@h", "n..z", "bar@h", 310, 0, 8, 2),
                                 hop("bar@h", "*", "bar@h", 42, 12, 30, 0)};
  EXPECT_EQ(
      hops_table(hops, microseconds{1400}, false),
      "hop  node            entry  to               link  queue us  wire us  function us  "
      "total us\n"
      "  0  (this command)         gate@h                             1,090                  "
      "1,400\n"
      "  1  gate@h          n..z   bar@h            #2           8      260                    "
      "310\n"
      "  2  bar@h           *      (executed here)              30                    12        "
      "42\n"
      "     sum                                                 38    1,350           12     "
      "1,400\n");
  EXPECT_EQ(way_text(hops), "  gate@h  n..z -> bar@h\n  bar@h  * is its own\n");
  EXPECT_EQ(hops_json({hops[1]}).to_json(),
            R"([{"node":"bar@h","entry":"*","to":"bar@h","link":0,"total_us":42,"queue_us":30,)"
            R"("wire_us":0,"function_us":12}])");
}

TEST(Hops, ACallThatGotNoFurtherWasOnNoLink) {
  const std::vector<Hop> hops = {hop("gate@h", "n..z", "bar@h", 310, 0, 8, 1),
                                 hop("bar@h", "", "", 42, 0, 42, 0)};
  EXPECT_EQ(wire_times(hops), (std::vector{microseconds{260}, microseconds{0}}));
  EXPECT_EQ(way_text(hops), "  gate@h  n..z -> bar@h\n  bar@h  goes no further\n");
  EXPECT_NE(hops_table(hops, microseconds{400}, false).find("(no further)"), std::string::npos);
  // One that was sent and never came back was on the link for all that time.
  EXPECT_EQ(wire_times({hops[0]}), std::vector{microseconds{302}});
  // A clock that runs faster than another's makes no negative time.
  EXPECT_EQ(wire_times({hops[0], hop("bar@h", "", "bar@h", 305, 305, 0, 0)})[0], microseconds{0});
}

TEST(Info, MissingKeysAndWrongTypesArePassedOver) {
  EXPECT_NE(info_text(Value{}, false), "");
  const Value odd =
      Value::Map{{"name", Value::List{}}, {"peers", 5U}, {"table", "none"}, {"store", true}};
  EXPECT_EQ(info_text(odd, false).find("peers"), std::string::npos);
  EXPECT_FALSE(stores_buckets(Value{}));
  EXPECT_TRUE(stores_buckets(Value::Map{{"apps", Value::List{"kv"}}}));
}

TEST(Info, AMeshIsOneLineANode) {
  const Value info = Value::Map{{"memory_bytes", 2048U},
                                {"counters", Value::Map{{"requests", 1234U}}},
                                {"store", Value::Map{{"buckets", 5U}, {"keys", 60U}}}};
  EXPECT_EQ(mesh_table({{"foo@h", "connected", info},
                        {"bar@h", "down", Status{StatusCode::kUnavailable, "away"}}},
                       false),
            "node   state               buckets  keys   memory  requests\n"
            "foo@h  connected                 5    60  2.0 KiB     1,234\n"
            "bar@h  down (unavailable)        -     -        -         -\n");
}

TEST(Info, StraysAreShownWhereThereAreSome) {
  const auto info = [](std::uint64_t strays) {
    return Value{
        Value::Map{{"store", Value::Map{{"buckets", 5U}, {"keys", 60U}, {"strays", strays}}}}};
  };
  EXPECT_EQ(info_text(info(0), false).find("strays"), std::string::npos);
  EXPECT_THAT(
      info_text(info(1), false),
      testing::HasSubstr("\nstrays      1 bucket that its table gives to others, so that no "
                         "request finds it here\n"));
  EXPECT_EQ(mesh_table({{"foo@h", "connected", info(0)}, {"bar@h", "up", info(1234)}}, false),
            "node   state      buckets  keys  memory  requests  strays\n"
            "foo@h  connected        5    60     0 B         -       -\n"
            "bar@h  up               5    60     0 B         -   1,234\n");
}

TEST(Info, AStoreThatOutlivesItsNodeSaysHowItDoes) {
  Value::Map journal{
      {"state_dir", "/var/lib/foo"},   {"durability", "always"},  {"failure", ""},
      {"last_group_operations", 128U}, {"last_sync_us", 320U},    {"longest_sync_us", 12'345U},
      {"bytes_on_disk", 2048U},        {"oldest_unsynced_ms", 0U}};
  const auto info = [&] {
    return Value{Value::Map{{"store", Value::Map{{"buckets", 5U},
                                                 {"keys", 60U},
                                                 {"expiring_keys", 7U},
                                                 {"journal", journal},
                                                 {"followers", 1U},
                                                 {"followed_bytes", 1024U}}}}};
  };
  EXPECT_THAT(info_text(info(), false),
              testing::HasSubstr(
                  "store       5 buckets, 60 keys (7 with a time to live), 0 B of 0 B\n"
                  "durability  always, 2.0 KiB in /var/lib/foo; last group 128 changes in 320 us, "
                  "longest 12.3 ms; all is on the disk\n"
                  "followers   1 call waits for changes, 1.0 KiB of changes remembered\n"));
  EXPECT_EQ(journal_failure(info()), std::nullopt);
  journal[7].second = 1500U;
  EXPECT_THAT(info_text(info(), false), testing::HasSubstr("; not on the disk for 1.5 s\n"));
  journal[2].second = "cannot sync";
  EXPECT_EQ(journal_failure(info()), "cannot sync");
  EXPECT_THAT(info_text(info(), false), testing::HasSubstr("; FAILED, nothing is stored"));
}

TEST(Nodes, PeersComeWithTheirLinksAndOthersWithTheWay) {
  const Value info =
      Value::Map{{"peers", Value::List{Value::Map{{"name", "bar@h"},
                                                  {"address", "tcp://127.0.0.1:1"},
                                                  {"state", "down"},
                                                  {"why", "refused"},
                                                  {"in_flight", 0U}},
                                       Value::Map{{"name", "foo@h"},
                                                  {"address", "tcp://127.0.0.1:2"},
                                                  {"state", "up"},
                                                  {"why", ""},
                                                  {"in_flight", 1234U}}}},
                 {"vias", Value::List{Value::Map{{"name", "qux@h"}, {"via", "bar@h"}}}}};
  EXPECT_EQ(nodes_table(info, false),
            "node   address            state  in flight  why\n"
            "bar@h  tcp://127.0.0.1:1  down           0  refused\n"
            "foo@h  tcp://127.0.0.1:2  up         1,234\n"
            "qux@h  via bar@h          down              refused\n");
  EXPECT_EQ(nodes_json(info).to_json(),
            R"([{"node":"bar@h","address":"tcp://127.0.0.1:1","state":"down","in_flight":0,)"
            R"("why":"refused"},)"
            R"({"node":"foo@h","address":"tcp://127.0.0.1:2","state":"up","in_flight":1234,)"
            R"("why":""},)"
            R"({"node":"qux@h","via":"bar@h","state":"down","why":"refused"}])");
  EXPECT_NE(info_text(info, false).find("via bar@h"), std::string::npos);
}

TEST(Nodes, ANodeThatKnowsNoneShowsTheTitlesAlone) {
  EXPECT_EQ(nodes_table(Value{}, false), "node  address  state  in flight  why\n");
  EXPECT_EQ(nodes_json(Value{}).to_json(), "[]");
  // One that says odd things of itself is shown as far as it goes.
  const Value odd = Value::Map{{"peers", "none"}, {"vias", Value::List{5U, Value::Map{}}}};
  EXPECT_EQ(
      nodes_json(odd).to_json(),
      R"([{"node":"","via":"","state":"","why":""},{"node":"","via":"","state":"","why":""}])");
}

TEST(ExitStatus, IsTenAndTheNumberOfTheCode) {
  EXPECT_EQ(exit_status(StatusCode::kOk), 0);
  EXPECT_EQ(exit_status(StatusCode::kNotFound), 11);
  EXPECT_EQ(exit_status(StatusCode::kInternal), 25);
  EXPECT_EQ(exit_status(StatusCode::kDenied), 28);
}

// "foo@h up by bar@h: why, " of each that changed, and "foo@h is up ..." of the others.
std::string text_of(const Result<std::vector<NodeChange>>& changes) {
  if (!changes) return "! " + changes.status().to_string();
  std::string out;
  for (const auto& change : *changes) {
    out += change.node + (change.is_change ? "" : " is") + (change.up ? " up by " : " down by ") +
           change.seen_by + ": " + change.why + ", ";
  }
  return out;
}

TEST(WatchedNodes, AFailureIsToldOnceAndBeginsAnew) {
  WatchedNodes watched;
  EXPECT_EQ(watched.seen(), 0U);
  EXPECT_EQ(text_of(watched.take(remote::NodesTold{"gate@h", 9, {{"foo@h", true, ""}}})),
            "foo@h is up by gate@h: , ");
  EXPECT_EQ(watched.seen(), 9U);
  EXPECT_EQ(text_of(watched.take(remote::NodesTold{"gate@h", 9, {{"foo@h", false, "why"}}})),
            "foo@h down by gate@h: why, ");
  const Status gone{StatusCode::kUnavailable, "gone"};
  EXPECT_EQ(text_of(watched.take(gone)), "gate@h down by : unavailable: gone, ");
  EXPECT_EQ(watched.seen(), 0U);
  EXPECT_EQ(text_of(watched.take(gone)), "");
  EXPECT_EQ(text_of(watched.take(remote::NodesTold{"gate@h", 4, {{"foo@h", false, "why"}}})),
            "gate@h up by : , foo@h is down by gate@h: why, ");
}

TEST(WatchedNodes, AnotherNodeThatAnswersBeginsAnew) {
  const remote::NodesTold first{"a@h", 9, {{"foo@h", true, ""}}};
  const remote::NodesTold second{"b@h", 70, {{"foo@h", true, ""}}};
  WatchedNodes watched;
  (void)watched.take(first);
  EXPECT_EQ(text_of(watched.take(second)),
            "a@h down by : another node is connected now, b@h, b@h is up by : , "
            "foo@h is up by b@h: , ");
  EXPECT_EQ(watched.seen(), 70U);
  (void)watched.take(Status{StatusCode::kUnavailable, "gone"});
  EXPECT_EQ(text_of(watched.take(first)), "a@h is up by : , foo@h is up by a@h: , ");
}

TEST(WatchedNodes, ABusyNodeIsNotDown) {
  const Status busy{StatusCode::kOverloaded, "busy"};
  WatchedNodes watched;
  EXPECT_EQ(text_of(watched.take(busy)), "! overloaded: busy") << "nothing is known to go on from";
  EXPECT_EQ(text_of(watched.take(remote::NodesTold{"gate@h", 9, {}})), "");
  EXPECT_EQ(text_of(watched.take(busy)), "");
  EXPECT_EQ(watched.seen(), 9U);
  EXPECT_EQ(text_of(watched.take(remote::NodesTold{"gate@h", 10, {{"foo@h", false, "gone"}}})),
            "foo@h down by gate@h: gone, ");
}

TEST(EndpointList, HasWhatStandsBetweenCommas) {
  EXPECT_EQ(endpoint_list("tcp://a:1"), EndpointList{"tcp://a:1"});
  EXPECT_EQ(endpoint_list("tcp://a:1,tcp://[::1]:2, ipc://x "),
            (EndpointList{"tcp://a:1", "tcp://[::1]:2", "ipc://x"}));
  // Nothing is passed over: such a part is no endpoint, and is refused as one.
  EXPECT_EQ(endpoint_list(""), EndpointList{""});
  EXPECT_EQ(endpoint_list("a,, "), (EndpointList{"a", "", ""}));
  EXPECT_EQ(open_client(endpoint_list("tcp://a:1,"), Access{}).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace kvmesh::command
