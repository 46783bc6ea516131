// What a request may do: by its asker's rights, within the ceiling of the node that vouches.
#include <array>
#include <string>
#include <vector>

#include "common/functions.h"
#include "common/rights.h"
#include "node/core/check_permit.h"
#include "tests/unit/core_fixture.h"

namespace kvmesh::core {
namespace {

using functions::Needs;
using security::Permit;
using security::Right;
using security::Rights;
using security::RightSet;

constexpr Target kTeam1{Target::Kind::kBucket, "team1:x"};
constexpr Target kTeam2{Target::Kind::kBucket, "team2:x"};
constexpr Target kHere{};

Rights of_team1(RightSet rights) {
  Rights out;
  out.grant("team1:", rights);
  return out;
}
RightSet both() {
  RightSet out{Right::kRead};
  out.add(Right::kWrite);
  return out;
}
Rights administrator() {
  Rights out;
  out.grant_admin();
  return out;
}

Status checked(std::string_view function, Target target, const Permit* permit) {
  RequestView request;
  request.function = function;
  request.target = target;
  request.permit = permit;
  return check_permit(request, functions::find(function));
}
bool may(std::string_view function, Target target, const Permit& permit) {
  const auto status = checked(function, target, &permit);
  EXPECT_TRUE(status.ok() || status.code() == StatusCode::kDenied);
  return status.ok();
}

TEST(Permits, EachFunctionForBucketsNeedsToReadOrToWrite) {
  for (const auto* function : functions::all()) {
    const bool is_of_bucket = function->needs == Needs::kRead || function->needs == Needs::kWrite ||
                              function->needs == Needs::kChange;
    EXPECT_EQ(is_of_bucket, function->target == functions::For::kBucket) << function->name;
  }
}

TEST(Permits, WithoutPrincipalsEverythingIsAllowed) {
  for (const auto* function : functions::all()) {
    EXPECT_TRUE(checked(function->name, kTeam1, nullptr).ok()) << function->name;
  }
}

TEST(Permits, AreForBucketsOfAPrefix) {
  const auto rights = of_team1(both());
  const Permit permit{"app1", rights};
  for (const auto* function : functions::all()) {
    if (function->target != functions::For::kBucket) continue;
    EXPECT_TRUE(may(function->name, kTeam1, permit)) << function->name;
    EXPECT_FALSE(may(function->name, kTeam2, permit)) << function->name;
  }
}

TEST(Permits, TellReadingFromWriting) {
  const auto reads = of_team1(RightSet{Right::kRead});
  const auto writes = of_team1(RightSet{Right::kWrite});
  for (const auto* function : functions::all()) {
    if (function->target != functions::For::kBucket) continue;
    // Without arguments nothing is to be changed.
    const bool needs_read = function->needs == Needs::kRead || function->needs == Needs::kChange;
    EXPECT_EQ(may(function->name, kTeam1, Permit("app1", reads)), needs_read) << function->name;
    EXPECT_EQ(may(function->name, kTeam1, Permit("app1", writes)), !needs_read) << function->name;
  }
}

TEST(Permits, ToAskForOptionsAreToReadAndToChangeThemToWrite) {
  const auto reads = of_team1(RightSet{Right::kRead});
  const auto writes = of_team1(RightSet{Right::kWrite});
  const auto may_with = [](const Rights& rights, std::string_view args) {
    RequestView request;
    request.function = "kv.options";
    request.target = kTeam1;
    request.args = args;
    request.body = args;  // which is never looked into
    const Permit permit{"app1", rights};
    request.permit = &permit;
    return check_permit(request, &functions::kKvOptions).ok();
  };
  for (const std::string_view asks : {"\x90", "\x91\xc0", "\x92\xc0\xc0"}) {
    EXPECT_TRUE(may_with(reads, asks));
    EXPECT_FALSE(may_with(writes, asks));
  }
  // A time to live, a history, too much, and what is no array or ends too early.
  using namespace std::string_view_literals;
  for (const auto changes : {"\x92\x05\xc0"sv, "\x92\xc0\x00"sv, "\x93\xc0\xc0\x01"sv, "\xc0"sv,
                             "\x92\xc0"sv, "\xdd\xff\xff\xff\xff"sv}) {
    EXPECT_FALSE(may_with(reads, changes));
    EXPECT_TRUE(may_with(writes, changes));
  }
  const std::array nils{ArgumentView{}, ArgumentView{}};
  const std::array change{ArgumentView{}, ArgumentView::of(std::uint64_t{0})};
  const Permit permit{"app1", reads};
  RequestView request;
  request.function = "kv.options";
  request.target = kTeam1;
  request.permit = &permit;
  request.words = nils;
  EXPECT_TRUE(check_permit(request, &functions::kKvOptions).ok());
  request.words = change;
  EXPECT_FALSE(check_permit(request, &functions::kKvOptions).ok());
}

TEST(Permits, LetEverybodyKnownAskForTheNodeButNotForOthersBuckets) {
  const auto rights = of_team1(RightSet{Right::kRead});
  const Permit permit{"app1", rights};
  EXPECT_TRUE(may("node.info", kHere, permit));
  EXPECT_TRUE(may("node.name", kTeam1, permit));
  EXPECT_FALSE(may("node.name", kTeam2, permit))
      << "where it lives is told to those who may use it";
  const Permit nobody{security::kAnonymousName, rights};
  EXPECT_FALSE(may("node.info", kHere, nobody));
  EXPECT_TRUE(may("kv.get", kTeam1, nobody)) << "[anonymous] may have rights";
}

TEST(Permits, StayWithinTheCeilingOfWhoVouches) {
  const auto own = of_team1(both());
  const auto ceiling = Rights::all(RightSet{Right::kRead});
  const Permit permit{"app1", own, &ceiling};
  EXPECT_TRUE(may("kv.get", kTeam1, permit));
  EXPECT_FALSE(may("kv.put", kTeam1, permit));
  EXPECT_FALSE(may("kv.get", kTeam2, permit)) << "a ceiling gives nothing";
}

TEST(Permits, ToAdministerAreNeverPassedOn) {
  const auto own = administrator();
  auto ceiling = Rights::all(both());
  ceiling.grant_admin();  // which no file can say
  EXPECT_TRUE(may("node.reload", kHere, Permit("ops", own)));
  const Permit passed_on{"ops", own, &ceiling};
  EXPECT_FALSE(may("node.reload", kHere, passed_on));
  EXPECT_THAT(checked("node.reload", kHere, &passed_on).text(),
              HasSubstr("only when connected to it"));
  const auto none = of_team1(both());
  EXPECT_FALSE(may("node.reload", kHere, Permit("app1", none)));
}

TEST(Permits, AreRefusedWithWhoAndWhatAndNothingElse) {
  const auto rights = of_team1(both());
  const Permit permit{"app1", rights};
  EXPECT_EQ(checked("kv.put", kTeam2, &permit).text(), "app1 may not write that bucket (kv.put)");
  EXPECT_EQ(checked("kv.get", kTeam2, &permit).text(), "app1 may not read that bucket (kv.get)");
}

class AuditRecorder final : public Effects {
 public:
  void forward(PeerIndex /*peer*/, const RequestView& request, RequestId /*id*/,
               TimePoint /*deadline*/, const wire::PathStep& /*step*/) override {
    passed_on.emplace_back(request.who);
  }
  void reply(const Origin& /*origin*/, const ReplyView& reply) override {
    codes.push_back(reply.code);
  }
  void denied(const Origin& /*origin*/, const RequestView& request) override {
    told.push_back("denied " + std::string{request.function});
  }
  void administered(const Origin& /*origin*/, const RequestView& request) override {
    told.push_back("administered " + std::string{request.function});
  }
  TimePoint clock() override { return kNow; }

  std::vector<std::string> passed_on;
  std::vector<std::string> told;
  std::vector<StatusCode> codes;
};

class PermitsInTheCore : public testing::Test {
 protected:
  PermitsInTheCore() {
    modules_.define("node.reload", [](Call& call) { call.succeed(); });
    modules_.define("kv.get", [](Call& call) { call.succeed(); });
    EXPECT_TRUE(core_
                    .set_table(RoutingTable{
                        {{*ByteRange::parse("a..s"), name("foo@h")}, {ByteRange{}, name("bar@h")}}})
                    .ok());
    core_.on_peer_up(PeerIndex{0}, kWidest);
  }
  void ask(std::string_view function, Target target, const Permit& permit) {
    auto request = wire::make_request(body_, target, function,
                                      [](wire::Buffer& to) { wire::pack_array(to, 0); });
    request.timeout_ms = 5000;
    request.permit = &permit;
    request.who = permit.asker();
    core_.on_request({}, request, kNow);
  }

  wire::Buffer body_;
  FunctionRegistry modules_;
  AuditRecorder effects_;
  Core core_{name("foo@h"), {name("bar@h")}, modules_, effects_, kNow};
};

TEST_F(PermitsInTheCore, AreLookedAtBeforeARequestIsPassedOn) {
  const auto rights = of_team1(RightSet{Right::kRead});
  const Permit permit{"app1", rights};
  ask("kv.get", kTeam1, permit);
  ask("kv.put", kTeam1, permit);
  ask("kv.get", {Target::Kind::kBucket, "zebra"}, permit);
  EXPECT_EQ(effects_.passed_on, std::vector<std::string>{"app1"});
  EXPECT_EQ(effects_.codes, (std::vector{StatusCode::kDenied, StatusCode::kDenied}));
  EXPECT_EQ(effects_.told, (std::vector<std::string>{"denied kv.put", "denied kv.get"}));
}

TEST_F(PermitsInTheCore, AreLookedAtBeforeARequestIsExecuted) {
  const auto rights = administrator();
  const auto others = of_team1(both());
  ask("node.reload", kHere, Permit{"app1", others});
  ask("node.reload", kHere, Permit{"ops", rights});
  ask("kv.get", {Target::Kind::kBucket, "apples"}, Permit{"ops", rights});
  EXPECT_EQ(effects_.codes,
            (std::vector{StatusCode::kDenied, StatusCode::kOk, StatusCode::kDenied}));
  EXPECT_EQ(effects_.told, (std::vector<std::string>{"denied node.reload",
                                                     "administered node.reload", "denied kv.get"}));
}

}  // namespace
}  // namespace kvmesh::core
