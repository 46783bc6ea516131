#include <kvmesh/status.h>

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <stdexcept>
#include <string>

namespace kvmesh {
namespace {

TEST(StatusCode, EveryOneHasANameOfItsOwnAndIsFoundByIt) {
  std::set<std::string_view> names;
  for (int number = 0; number < kStatusCodeCount; ++number) {
    const auto code = static_cast<StatusCode>(number);
    EXPECT_TRUE(names.insert(to_string(code)).second) << number;
    EXPECT_EQ(status_code_from_name(to_string(code)), code);
    EXPECT_EQ(status_code_from_number(static_cast<std::uint64_t>(number)), code);
  }
}

// Numbers and names are on the wire and in scripts: they never change.
TEST(StatusCode, NumbersAndNamesAreThoseOfTheProtocol) {
  constexpr std::pair<StatusCode, std::string_view> kExpected[] = {
      {StatusCode::kOk, "ok"},
      {StatusCode::kNotFound, "not_found"},
      {StatusCode::kInvalidArgument, "invalid_argument"},
      {StatusCode::kNoRoute, "no_route"},
      {StatusCode::kUnavailable, "unavailable"},
      {StatusCode::kOutcomeUnknown, "outcome_unknown"},
      {StatusCode::kDeadlineExceeded, "deadline_exceeded"},
      {StatusCode::kRouteLoop, "route_loop"},
      {StatusCode::kTooManyHops, "too_many_hops"},
      {StatusCode::kTooLarge, "too_large"},
      {StatusCode::kOverloaded, "overloaded"},
      {StatusCode::kFull, "full"},
      {StatusCode::kUndefinedFunction, "undefined_function"},
      {StatusCode::kNotText, "not_text"},
      {StatusCode::kProtocolError, "protocol_error"},
      {StatusCode::kInternal, "internal"},
      {StatusCode::kTaskFailed, "task_failed"},
      {StatusCode::kCancelled, "cancelled"},
      {StatusCode::kDenied, "denied"},
  };
  ASSERT_EQ(std::size(kExpected), static_cast<std::size_t>(kStatusCodeCount));
  int number = 0;
  for (const auto& [code, name] : kExpected) {
    EXPECT_EQ(static_cast<int>(code), number++);
    EXPECT_EQ(to_string(code), name);
  }
}

TEST(StatusCode, OthersAreNone) {
  EXPECT_EQ(status_code_from_number(kStatusCodeCount), std::nullopt);
  EXPECT_EQ(status_code_from_number(256), std::nullopt) << "not cut to a byte";
  EXPECT_EQ(status_code_from_number(~std::uint64_t{0}), std::nullopt);
  for (const auto* name : {"", "OK", "no route", "no_routes"}) {
    EXPECT_EQ(status_code_from_name(name), std::nullopt) << name;
  }
  EXPECT_EQ(to_string(static_cast<StatusCode>(kStatusCodeCount)), "internal");
  EXPECT_EQ(to_string(static_cast<StatusCode>(200)), "internal");
}

TEST(Status, ShowsCodeAndText) {
  EXPECT_TRUE(Status{}.ok());
  EXPECT_EQ(Status{}.to_string(), "ok");
  EXPECT_EQ(Status::success(), Status{});
  const Status status{StatusCode::kNoRoute, "could not find it"};
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.code(), StatusCode::kNoRoute);
  EXPECT_EQ(status.to_string(), "no_route: could not find it");
  EXPECT_NE(status, (Status{StatusCode::kNoRoute, "something else"}));
}

TEST(Result, HoldsAValueOrTheReason) {
  Result<std::string> value{std::string{"milk"}};
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value, "milk");
  EXPECT_EQ(value->size(), 4U);
  EXPECT_TRUE(value.status().ok());

  const Result<std::string> error{Status{StatusCode::kNotFound, "no bucket"}};
  EXPECT_FALSE(error);
  EXPECT_EQ(error.status().code(), StatusCode::kNotFound);
}

TEST(Result, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result{std::make_unique<int>(7)};
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 7);
}

TEST(Result, WithoutAValueThrowsWhy) {
  const Status not_found{StatusCode::kNotFound, "no bucket"};
  Result<std::string> error{not_found};
  try {
    (void)error.value();
    FAIL() << "it has no value";
  } catch (const BadResultAccess& thrown) {
    EXPECT_EQ(thrown.status(), not_found);
    EXPECT_STREQ(thrown.what(), "a result that is not there was used: not_found: no bucket");
  }
  EXPECT_THROW((void)*error, BadResultAccess);
  EXPECT_THROW((void)error->size(), BadResultAccess);
  EXPECT_THROW((void)*std::move(error), BadResultAccess);
}

TEST(Result, CannotBeMadeOfSuccessWithoutAValue) {
  EXPECT_THROW((void)Result<int>{Status{}}, std::invalid_argument);
}

}  // namespace
}  // namespace kvmesh
