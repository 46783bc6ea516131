// Revisions that were told of a bucket rise with its changes.
#include "node/sim/told_revisions.h"

#include <gtest/gtest.h>

namespace kvmesh::sim {
namespace {

constexpr std::uint32_t kBucket = 0;

TEST(ToldRevisions, AcceptThoseThatRiseInWhateverOrderTheyAreTold) {
  ToldRevisions told;
  EXPECT_EQ(told.change(kBucket, 2, 20), "");
  EXPECT_EQ(told.seen(kBucket, 3, 20), "");
  EXPECT_EQ(told.change(kBucket, 9, 90), "");
  EXPECT_EQ(told.change(kBucket, 5, 50), "");
  EXPECT_EQ(told.seen(kBucket, 6, 70), "") << "a key has expired since";
  EXPECT_EQ(told.change(1, 4, 1), "") << "another bucket";
  EXPECT_EQ(told.of(kBucket, 5), 50U);
  EXPECT_EQ(told.of(kBucket, 6), std::nullopt) << "it was seen, not made";
}

TEST(ToldRevisions, RefuseOneThatGoesBack) {
  ToldRevisions told;
  (void)told.change(kBucket, 2, 20);
  EXPECT_NE(told.change(kBucket, 3, 19), "");
}

TEST(ToldRevisions, RefuseOneForTwoChanges) {
  ToldRevisions told;
  (void)told.change(kBucket, 2, 20);
  EXPECT_NE(told.change(kBucket, 3, 20), "");
}

TEST(ToldRevisions, RefuseTwoForOneChange) {
  ToldRevisions told;
  (void)told.change(kBucket, 2, 20);
  EXPECT_NE(told.change(kBucket, 2, 21), "");
}

TEST(ToldRevisions, RefuseABucketThatIsSeenAsItWasBefore) {
  ToldRevisions told;
  (void)told.change(kBucket, 2, 20);
  EXPECT_NE(told.seen(kBucket, 3, 19), "");
}

TEST(ToldRevisions, RefuseAnEarlierOneThatIsGreater) {
  ToldRevisions told;
  (void)told.change(kBucket, 9, 90);
  EXPECT_NE(told.change(kBucket, 5, 95), "");
  EXPECT_NE(told.seen(kBucket, 6, 90), "") << "the change had it, which came later";
}

}  // namespace
}  // namespace kvmesh::sim
