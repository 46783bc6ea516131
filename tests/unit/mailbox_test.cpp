// The parts that Processes is made of: meters, mailboxes, output, monitors, the timetable.

#include "node/tasks/mailbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <kvmesh/limits.h>

#include "common/wire/value_codec.h"
#include "node/tasks/monitors.h"
#include "node/tasks/output_window.h"
#include "node/tasks/process.h"
#include "node/tasks/timetable.h"
#include "tests/unit/random_msgpack.h"

namespace kvmesh::tasks {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr TimePoint kNow = TimePoint{} + std::chrono::hours{1};

Delivery message(std::string body) {
  Delivery out;
  out.kind = Delivery::Kind::kMessage;
  out.body = std::move(body);
  return out;
}

TEST(Meter, CountsWhatAllHoldUntilTheyEnd) {
  Meter meter;
  {
    Held a{meter}, b{meter};
    a.add(3);
    b.add(4);
    a.remove(1);
    EXPECT_EQ(a.bytes(), 2U);
    EXPECT_EQ(a.of_all(), 6U);
    EXPECT_DEATH(a.remove(3), "");
  }
  EXPECT_EQ(meter.bytes(), 0U);
}

TEST(Mailbox, IsFirstInFirstOutAndCountsItsBytes) {
  Meter meter;
  Mailbox box{meter};
  EXPECT_EQ(box.push(message("a")), "");
  auto call = message("bc");
  call.from = "<x@h/1>";
  call.function = "f";
  EXPECT_EQ(box.push(std::move(call)), "");
  EXPECT_EQ(box.size(), 2U);
  EXPECT_EQ(box.bytes(), 1U + 2 + 7 + 1);
  EXPECT_EQ(box.front().body, "a");
  EXPECT_EQ(box.pop().body, "a");
  EXPECT_EQ(box.pop().body, "bc");
  EXPECT_TRUE(box.empty());
  EXPECT_EQ(meter.bytes(), 0U);
}

TEST(Mailbox, ThatRefusesLeavesTheMessageAsItIs) {
  Meter meter;
  Mailbox box{meter};
  EXPECT_EQ(box.push(message(std::string(limits::kMailboxBytesMax, 'x'))), "");
  auto one_more = message("y");
  EXPECT_EQ(box.push(std::move(one_more)),
            "it holds 1 of 10000 messages and 8388608 of 8388608 bytes");
  EXPECT_EQ(one_more.body, "y");  // NOLINT(bugprone-use-after-move): that is the point
  box.clear();
  EXPECT_EQ(meter.bytes(), 0U);
}

TEST(Mailbox, AllOfOneNodeShareABound) {
  Meter meter;
  meter.add(limits::kMailboxesBytesMax - 2);
  Mailbox box{meter};
  EXPECT_EQ(box.push(message("xyz")),
            "all mailboxes of the node together hold 536870910 of 536870912 bytes");
  EXPECT_EQ(box.push(message("xy")), "");
  TimedMessages timed{meter};
  EXPECT_THAT(timed.add(kNow, message("z")), HasSubstr("all mailboxes"));
}

TEST(TimedMessages, ComeInTheOrderOfTheirTimesAndOfEqualTimesInTheirOwn) {
  Meter meter;
  TimedMessages timed{meter};
  EXPECT_EQ(timed.next_due(), kNever);
  for (const auto& [after, body] :
       std::vector<std::pair<int, std::string>>{{2, "c"}, {1, "a"}, {2, "d"}, {1, "b"}})
    EXPECT_EQ(timed.add(kNow + milliseconds{after}, message(body)), "");
  EXPECT_EQ(timed.next_due(), kNow + milliseconds{1});
  std::string order;
  while (timed.next_due() != kNever) order += timed.take().body;
  EXPECT_EQ(order, "abcd");
  EXPECT_EQ(meter.bytes(), 0U);
  EXPECT_EQ(timed.add(kNow, message("e")), "");
  timed.clear();
  EXPECT_EQ(timed.size(), 0U);
  EXPECT_EQ(meter.bytes(), 0U);
}

TEST(OutputWindow, KeepsTheOrderAcrossStreamsAndLeavesOutNothings) {
  Meter meter;
  OutputWindow window{meter};
  window.append(Stream::kOut, "a");
  window.append(Stream::kErr, "bc");
  window.append(Stream::kErr, "");
  EXPECT_EQ(meter.bytes(), 3U);
  wire::Buffer out;
  const auto most = window.packed_bytes();
  EXPECT_EQ(window.take(out), 3U);
  EXPECT_LE(out.size(), most);
  EXPECT_EQ(wire::unpack_value(out.view())->to_json(), R"([[1,"a"],[2,"bc"]])");
  EXPECT_TRUE(window.empty());
  EXPECT_EQ(meter.bytes(), 0U);
  window.append(Stream::kOut, "x");
  EXPECT_EQ(window.drop(), 1U);
  out.clear();
  EXPECT_EQ(window.take(out), 0U);
  EXPECT_EQ(wire::unpack_value(out.view())->to_json(), "[]");
}

TEST(Monitors, AreTakenInTheirOrderHoweverTheyCome) {
  Monitors monitors;
  std::uint64_t added = 0, taken = 0;
  RandomMsgpack random{test_seed()};
  for (int i = 0; i < 20000; ++i) {
    if (random.below(100) < (i < 10000 ? 60U : 40U)) {
      monitors.add({added}, kNow + milliseconds{added});
      ++added;
    } else if (const auto ticket = monitors.take()) {
      ASSERT_EQ(ticket->value, taken++);
    }
    ASSERT_EQ(monitors.size(), added - taken);
    ASSERT_EQ(monitors.next_due(), added == taken ? kNever : kNow + milliseconds{taken});
  }
}

TEST(EndedReasons, AreForgottenInTimeAndTheOldestBeyondTheBound) {
  EndedReasons ended;
  ended.add(1, {"normal", ""}, kNow);
  ended.add(2, {"cancelled", "hello.slow"}, kNow + milliseconds{1});
  ended.forget(kNow);
  EXPECT_EQ(ended.find(1), nullptr);
  ASSERT_NE(ended.find(2), nullptr);
  EXPECT_EQ(ended.find(2)->reason, "cancelled");
  EXPECT_EQ(ended.find(2)->right, "hello.slow");
  for (std::size_t i = 0; i < limits::kEndedReasonsMax; ++i)
    ended.add(10 + i, {"normal", ""}, kNow + milliseconds{2});
  EXPECT_EQ(ended.find(2), nullptr);
  EXPECT_NE(ended.find(10), nullptr);
  EXPECT_EQ(ended.size(), limits::kEndedReasonsMax);
  ended.forget(kNow + milliseconds{2});
  EXPECT_EQ(ended.size(), 0U);
}

struct Item : Timed {};

TEST(Timetable, GivesTheEarliestThatIsDueAndEqualOnesAsTheyWereSet) {
  Timetable table;
  Item a, b, c;
  EXPECT_EQ(table.first_due(kNow), nullptr);
  table.set(a, kNow + milliseconds{2});
  table.set(b, kNow + milliseconds{1});
  table.set(c, kNow + milliseconds{1});
  EXPECT_EQ(table.first_due(kNow), nullptr);
  EXPECT_EQ(table.first_due(kNow + milliseconds{1}), &b);
  table.set(b, kNow + milliseconds{1});  // the same time: it keeps its place
  EXPECT_EQ(table.first_due(kNow + milliseconds{1}), &b);
  table.set(b, kNever);
  EXPECT_EQ(table.first_due(kNow + milliseconds{9}), &c);
  table.remove(c);
  table.remove(c);
  EXPECT_EQ(table.first_due(kNow + milliseconds{9}), &a);
  EXPECT_EQ(table.due(a), kNow + milliseconds{2});
  EXPECT_EQ(table.due(b), kNever);
  EXPECT_EQ(table.size(), 1U);
}

TEST(Timetable, BehavesAsASortedListUnderRandomUse) {
  RandomMsgpack random{test_seed()};
  Timetable table;
  std::vector<Item> items(200);
  std::set<std::tuple<TimePoint, int, Item*>> model;  // when due, since which step
  std::map<Item*, int> since;
  for (int step = 0; step < 50000; ++step) {
    Item& item = items[random.below(items.size())];
    const auto due = random.below(4) == 0 ? kNever : kNow + milliseconds{random.below(100)};
    const auto before = table.due(item);
    table.set(item, due);
    if (due != before) {
      model.erase({before, since[&item], &item});
      since[&item] = step;
      if (due != kNever) model.insert({due, step, &item});
    }
    ASSERT_EQ(table.size(), model.size());
    ASSERT_EQ(table.due(item), due);
    const auto* first = table.first_due(kNow + milliseconds{1000});
    ASSERT_EQ(first == nullptr, model.empty());
    if (first != nullptr) {
      ASSERT_EQ(first, std::get<Item*>(*model.begin()));
    }
  }
}

}  // namespace
}  // namespace kvmesh::tasks
