// What callers make of the answers of kv.read, kv.apply, kv.scan and kv.changes, and the rules by
// which a bucket is followed.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <kvmesh/buckets.h>
#include <kvmesh/mesh.h>
#include <kvmesh/watcher.h>

#include "common/functions.h"
#include "common/remote/bucket_watch.h"
#include "tests/unit/fake_port.h"

namespace kvmesh {
namespace {

using namespace std::chrono_literals;
using remote::BucketWatch;

Value b(const char* data) { return Bytes{data}; }
Outcome answer(Value::List list) { return {{}, Value{std::move(list)}, {}}; }
Outcome failure(StatusCode code) { return {{code, "why"}, {}, {}}; }

TEST(BucketAnswers, AreReadAsTheProtocolSays) {
  const auto read = entries_of(answer(
      {9, Value::List{Value::List{7, b("v"), 100}, Value{}, Value::List{8, b(""), Value{}}}}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->rev, 9U);
  EXPECT_EQ(read->entries, (std::vector<std::optional<Entry>>{Entry{7, "v", 100ms}, std::nullopt,
                                                              Entry{8, "", std::nullopt}}));

  const auto applied = applied_of(answer({true, 9, Value::List{true, -5}}));
  ASSERT_TRUE(applied);
  EXPECT_TRUE(applied->ok());
  EXPECT_EQ(applied->done, (std::vector<Applied::Done>{{true, {}}, {false, -5}}));
  const auto conflict = applied_of(answer({false, 9, 1, 7}));
  ASSERT_TRUE(conflict);
  EXPECT_FALSE(conflict->ok());
  EXPECT_EQ(conflict->conflict, (Applied::Conflict{1, 7}));

  const auto page = scan_page_of(answer({true, 9, Value::List{Value::List{b("k"), 7, Value{}}}}));
  ASSERT_TRUE(page);
  EXPECT_EQ(*page, (ScanPage{true, 9, {{"k", {7, "", {}}}}}));

  const auto events =
      events_of(answer({false, 9,
                        Value::List{Value::List{5, 0, b("k"), 10, b("v")},
                                    Value::List{6, 1, b("k")}, Value::List{7, 2, b("k"), Value{}},
                                    Value::List{8, 3, b("k")}, Value::List{9, 4}}}));
  ASSERT_TRUE(events);
  using Kind = Event::Kind;
  EXPECT_EQ(events->events, (std::vector<Event>{{5, Kind::kPut, "k", "v", 10ms},
                                                {6, Kind::kErase, "k", "", {}},
                                                {7, Kind::kTouch, "k", "", {}},
                                                {8, Kind::kExpire, "k", "", {}},
                                                {9, Kind::kDrop, "", "", {}}}));
}

TEST(BucketAnswers, ThatAreSomethingElseAreRefused) {
  const auto code = [](const auto& result) { return result.status().code(); };
  constexpr auto kWrong = StatusCode::kProtocolError;
  EXPECT_EQ(code(entries_of({})), kWrong);
  EXPECT_EQ(code(entries_of(answer({9}))), kWrong);
  EXPECT_EQ(code(entries_of(answer({9, Value::List{Value::List{7}}}))), kWrong);
  EXPECT_EQ(code(applied_of(answer({true, 9, Value::List{"x"}}))), kWrong);
  EXPECT_EQ(code(applied_of(answer({false, 9, 1}))), kWrong);
  EXPECT_EQ(code(scan_page_of(answer({true, 9, Value::List{}}))), kWrong)
      << "no key to go on after";
  EXPECT_EQ(code(events_of(answer({false, 9, Value::List{Value::List{5, 9, b("k")}}}))), kWrong);
  EXPECT_EQ(code(events_of(answer({false, -1, Value::List{}}))), kWrong);
  EXPECT_EQ(code(events_of(failure(StatusCode::kNoRoute))), StatusCode::kNoRoute);
}

TEST(OnceIds, AreReadAsUuidsToo) {
  const auto id = OnceId::parse("98f30359-af55-48D3-b098-fafa5f3daa42");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->to_string(), "98f30359af5548d3b098fafa5f3daa42");
  EXPECT_EQ(OnceId::parse(id->to_string()), id);
  EXPECT_NE(OnceId::make(), OnceId::make());
  for (const char* wrong :
       {"", "98f3", "98f30359af5548d3b098fafa5f3daa4x", "98f30359af5548d3b098fafa5f3daa4200",
        "98f30359af5548d3b098fafa5f3daa4"}) {
    EXPECT_FALSE(OnceId::parse(wrong)) << wrong;
  }
}

// Answers, and what they tell: "begin 9 | changes 12: put a@11 | items 0: b@7".
class BucketWatchTest : public testing::Test {
 protected:
  void follow(WatchOptions options) { watch_.emplace("shop", std::move(options)); }

  std::string asked() const {
    const auto request = watch_->next(10s);
    const auto& args = request.operation.args;
    if (request.operation.function == functions::kKvScan.name) {
      return "scan after " + (args[1].is_nil() ? "-" : args[1].get_if<Bytes>()->data);
    }
    return "changes since " + std::to_string(*args[1].to_uint()) +
           (request.wait > 0ms ? " waiting" : "");
  }
  std::string take(Outcome outcome) {
    const auto told = watch_->take(std::move(outcome));
    if (!told.trouble.ok()) {
      EXPECT_GT(told.pause, 0ms);
      return std::string{told.is_over ? "over: " : "trouble: "} +
             std::string{to_string(told.trouble.code())};
    }
    constexpr const char* kNames[] = {"begin", "reset", "items", "scanned", "changes"};
    std::string out;
    for (const auto& news : told.news) {
      out += (out.empty() ? "" : " | ") + std::string{kNames[static_cast<int>(news.kind)]} + " " +
             std::to_string(news.rev);
      for (const auto& item : news.items) {
        out += " " + item.key + "@" + std::to_string(item.entry.rev);
      }
      for (const auto& change : news.changes) {
        out += " " + std::string{to_string(change.kind)} + " " + change.key + "@" +
               std::to_string(change.rev);
      }
    }
    return out;
  }
  static Value put(int rev, const char* key) {
    return Value::List{rev, 0, b(key), Value{}, b("v")};
  }
  static Outcome changes(int next, Value::List list = {}) {
    return answer({false, next, std::move(list)});
  }
  static Outcome reset(int next) { return answer({true, next, Value::List{}}); }
  static Outcome page(bool more, int rev, std::vector<std::pair<const char*, int>> items) {
    Value::List list;
    for (const auto& [key, at] : items) {
      list.push_back(Value::List{b(key), at, Value{}, b("v")});
    }
    return answer({more, rev, std::move(list)});
  }

  std::optional<BucketWatch> watch_;
};

TEST_F(BucketWatchTest, TellsEachChangeOnceFromNowOn) {
  follow({});
  EXPECT_EQ(asked(), "changes since 0");
  EXPECT_EQ(take(reset(9)), "begin 9") << "the first reset is where it begins";
  EXPECT_EQ(asked(), "changes since 9 waiting");
  EXPECT_EQ(take(changes(12, {put(11, "a"), put(12, "b")})), "changes 12 put a@11 put b@12");
  EXPECT_EQ(take(changes(14)), "") << "nothing that is wanted has changed";
  EXPECT_EQ(asked(), "changes since 14 waiting");
  EXPECT_EQ(take(reset(20)), "reset 20");
  EXPECT_EQ(asked(), "changes since 20 waiting");
}

TEST_F(BucketWatchTest, GoesOnWhereAnotherHasEnded) {
  follow({.since = 9});
  EXPECT_EQ(asked(), "changes since 9");
  EXPECT_EQ(take(changes(11, {put(11, "a")})), "begin 9 | changes 11 put a@11");
  follow({.since = 9});
  EXPECT_EQ(take(reset(20)), "reset 20") << "it is a gap: the revision was asked for";
}

TEST_F(BucketWatchTest, FailuresLoseNothing) {
  follow({});
  EXPECT_EQ(take(failure(StatusCode::kUnavailable)), "trouble: unavailable");
  EXPECT_EQ(take(reset(9)), "begin 9");
  for (const auto code : {StatusCode::kOutcomeUnknown, StatusCode::kOverloaded,
                          StatusCode::kNotFound, StatusCode::kNoRoute}) {
    EXPECT_EQ(take(failure(code)), "trouble: " + std::string{to_string(code)});
    EXPECT_EQ(asked(), "changes since 9 waiting");
  }
  EXPECT_EQ(take(changes(11, {put(11, "a")})), "changes 11 put a@11");
  EXPECT_EQ(take(failure(StatusCode::kUndefinedFunction)), "over: undefined_function");
}

TEST_F(BucketWatchTest, ABucketThatWasNeverThereIsAnError) {
  follow({});
  EXPECT_EQ(take(failure(StatusCode::kNotFound)), "over: not_found");
  EXPECT_EQ(asked(), "changes since 0") << "it may be asked again";
}

TEST_F(BucketWatchTest, AScanAndTheChangesMeanwhileAreOneStory) {
  follow({.scan = true});
  EXPECT_EQ(take(reset(9)), "begin 0") << "ended here, all would have to be scanned";
  EXPECT_EQ(asked(), "scan after -");
  EXPECT_EQ(take(page(true, 11, {{"a", 5}, {"c", 11}})), "items 0 a@5 c@11");
  EXPECT_EQ(asked(), "changes since 9");
  EXPECT_EQ(take(changes(13, {put(10, "a"), put(11, "c"), put(12, "b"), put(13, "x")})),
            "changes 0 put b@12")
      << "a and c were told as they are, x is to come";
  EXPECT_EQ(asked(), "scan after c");
  EXPECT_EQ(take(page(false, 20, {{"x", 13}})), "items 0 x@13");
  EXPECT_EQ(take(changes(19, {put(18, "a"), put(19, "x")})), "changes 0 put a@18");
  EXPECT_EQ(asked(), "changes since 19") << "not waiting: the page was later than that";
  EXPECT_EQ(take(changes(21, {put(20, "z"), put(21, "x")})), "changes 21 put x@21 | scanned 21");
  EXPECT_EQ(asked(), "changes since 21 waiting");
}

TEST_F(BucketWatchTest, ABucketThatIsDroppedInTheScanIsScannedAnew) {
  follow({.scan = true});
  EXPECT_EQ(take(reset(9)), "begin 0");
  EXPECT_EQ(take(page(true, 11, {{"a", 5}})), "items 0 a@5");
  EXPECT_EQ(take(changes(12, {Value::List{12, 4}})), "");
  EXPECT_EQ(asked(), "changes since 0");
  EXPECT_EQ(take(failure(StatusCode::kNotFound)), "trouble: not_found");
  EXPECT_EQ(take(reset(15)), "reset 0");
  EXPECT_EQ(asked(), "scan after -");
  EXPECT_EQ(take(failure(StatusCode::kNotFound)), "trouble: not_found");
  EXPECT_EQ(asked(), "changes since 0");
  EXPECT_EQ(take(reset(17)), "reset 0");
  EXPECT_EQ(take(page(false, 17, {})), "");
  EXPECT_EQ(take(changes(17)), "scanned 17") << "an empty bucket";
  EXPECT_EQ(take(changes(18, {Value::List{18, 4}})), "changes 18 drop @18");
}

TEST(WatcherTest, WaitsOverFailuresAndSaysWhatTheyWere) {
  const auto kChanges = functions::kKvChanges.str();
  remote::FakePort port;
  Mesh mesh{port};
  auto watcher = mesh.watch("shop", {});
  port.then([&] { port.fail(kChanges, StatusCode::kUnavailable, "it is away"); });
  port.then([&] { port.time += 20ms; });
  const auto none = watcher.next(20ms);
  EXPECT_EQ(none.status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_NE(none.status().text().find("it is away"), std::string::npos) << none.status().text();
  port.time += 50ms;  // the pause is over
  port.then([&] { port.answer(kChanges, Value::List{true, 9, Value::List{}}); });
  const auto begin = watcher.next(1s);
  ASSERT_TRUE(begin) << begin.status().text();
  EXPECT_EQ(begin->kind, WatchNews::Kind::kBegin);
  EXPECT_EQ(begin->rev, 9U);
}

}  // namespace
}  // namespace kvmesh
