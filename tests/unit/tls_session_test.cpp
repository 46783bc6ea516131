// TLS over a socketpair, and whom certificates name.
#include <gmock/gmock.h>

#include <map>

#include "tests/unit/tls_fixture.h"

namespace kvmesh::tls {
namespace {

using testing::HasSubstr;
using Step = Session::Step;

TEST_F(TlsTest, WhatIsReadInPartsStaysReadableWithoutNews) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    connect(load(), nullptr, nullptr, version);
    ASSERT_EQ(shake_hands(), Step::kDone);
    client_->send("one");
    client_->send("two and three");
    server_->note(EPOLLIN);
    EXPECT_EQ(read(5), "onetw");
    EXPECT_TRUE(server_->is_readable());
    EXPECT_EQ(read(5), "o and");
    EXPECT_EQ(read(100), " three");
    EXPECT_FALSE(server_->is_readable()) << "and the rest was all";
    EXPECT_FALSE(server_->has_ended());
  }
}

TEST_F(TlsTest, AWriteTakesWhatThereIsRoomForAndGoesOnWhereItStopped) {
  connect(load());
  ASSERT_EQ(shake_hands(), Step::kDone);
  std::string text;
  for (int i = 0; text.size() < 3'000'000; ++i) text += std::to_string(i) + " ";
  std::string got;
  std::size_t written = 0;
  int stops = 0;
  while (got.size() < text.size()) {
    if (written < text.size() && server_->is_writable()) {
      // What is not taken may be elsewhere in memory at the next call, and more may follow it.
      const std::string rest = text.substr(written, 400'000);
      const auto taken = server_->write(rest);
      ASSERT_TRUE(taken.has_value());
      EXPECT_EQ(server_->is_writable(), *taken == rest.size());
      written += *taken;
      if (!server_->is_writable()) ++stops;
    }
    got += client_->take();
    server_->note(EPOLLOUT);
  }
  EXPECT_EQ(got, text);
  EXPECT_GT(stops, 0) << "the kernel's buffer was never full";
}

TEST_F(TlsTest, TheEndIsFoundAfterTheBytesBeforeIt) {
  connect(load());
  ASSERT_EQ(shake_hands(), Step::kDone);
  client_->send("last words");
  SSL_shutdown(client_->get());
  client_->drop();
  server_->note(EPOLLIN | EPOLLRDHUP | EPOLLHUP);
  EXPECT_EQ(read(4), "last");
  EXPECT_TRUE(server_->is_readable());
  EXPECT_EQ(read(100), " words");
  EXPECT_TRUE(server_->has_ended());
  EXPECT_FALSE(server_->is_readable());
}

TEST_F(TlsTest, AConnectionThatEndsWithoutAWordHasEndedToo) {
  connect(load());
  ASSERT_EQ(shake_hands(), Step::kDone);
  (void)client_->take();
  client_->drop();
  server_->note(EPOLLIN | EPOLLRDHUP | EPOLLHUP);
  EXPECT_EQ(read(100), "");
  EXPECT_TRUE(server_->has_ended());
}

TEST_F(TlsTest, AChangedByteBreaksTheConnection) {
  connect(load());
  ASSERT_EQ(shake_hands(), Step::kDone);
  (void)read(100);
  const std::string forged = std::string{"\x17\x03\x03\x00\x20", 5} + std::string(32, 'x');
  ASSERT_EQ(::send(client_->descriptor(), forged.data(), forged.size(), 0), 37);
  server_->note(EPOLLIN);
  EXPECT_EQ(read(100), "broken");
}

// Each costs a derivation of keys, and OpenSSL would take them without end.
TEST_F(TlsTest, RecordsThatCarryNothingBreakTheConnection) {
  connect(load());
  ASSERT_EQ(shake_hands(), Step::kDone);
  (void)client_->take();
  std::string got;
  for (int i = 0; i < 100'000 && got != "broken"; ++i) {
    (void)SSL_key_update(client_->get(), SSL_KEY_UPDATE_NOT_REQUESTED);  // not while one waits
    if (SSL_do_handshake(client_->get()) == 1) continue;
    server_->note(EPOLLIN);  // there is no more room on the way
    got = read(100);
  }
  EXPECT_EQ(got, "broken");
}

TEST_F(TlsTest, NewKeysNowAndThenAndMuchDataDoNot) {
  connect(load());
  ASSERT_EQ(shake_hands(), Step::kDone);
  (void)client_->take();
  const std::string text(16'000, 'x');
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(SSL_key_update(client_->get(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    client_->send(text);
    server_->note(EPOLLIN);
    ASSERT_EQ(read(20'000), text) << i;
  }
}

TEST_F(TlsTest, AHandshakeHasSoManyBytes) {
  connect(load());
  // A ClientHello of 16 KiB that does not come to its end.
  std::string flood{"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03", 11};
  flood.resize(Session::kHandshakeBytes + 100, 'x');
  (void)::send(client_->descriptor(), flood.data(), flood.size(), 0);
  server_->note(EPOLLIN);
  ASSERT_EQ(server_->tls()->handshake(), Step::kFailed);
  EXPECT_THAT(server_->tls()->fault(), HasSubstr("too much"));
}

TEST_F(TlsTest, OldVersionsAreRefused) {
  connect(load(), nullptr, nullptr, TLS1_1_VERSION);
  SSL_set_security_level(client_->get(), 0);
  SSL_set_min_proto_version(client_->get(), TLS1_VERSION);
  ASSERT_EQ(shake_hands(), Step::kFailed);
  EXPECT_THAT(server_->tls()->fault(), HasSubstr("unsupported protocol"));
}

// Users by pin, or by a name that an authority answers for.
class TlsUsers : public TlsTest {
 protected:
  TlsUsers() {
    write("authority", authority_);
    settings_.clients = TlsClients::kOptional;
    settings_.ca = path("authority.crt");
    identify_ = [this](const PeerCertificate& peer) -> std::optional<std::string> {
      if (const auto pinned = pins_.find(peer.pin); pinned != pins_.end()) return pinned->second;
      for (const auto& name : peer.names) {
        if (name == "ops" || name == "app1") return name;
      }
      return std::nullopt;
    };
  }
  void pin(const Made& made, const std::string& user) {
    pins_[read_peer(made.certificate.get(), false)->pin] = user;
  }
  std::string user_of(const Made& shown) {
    connect(load(), &shown);
    return shake_hands() == Step::kDone ? std::string{server_->user()} : "refused";
  }

  Made authority_ = make_certificate("authority");
  std::map<security::CertificatePin, std::string> pins_;
};

TEST_F(TlsUsers, AnAuthorityAnswersForNamesAndNobodyElseDoes) {
  EXPECT_EQ(user_of(make_certificate("app1", &authority_)), "app1");
  EXPECT_EQ(user_of(make_certificate("app2", &authority_)), "refused") << "it is no user";
  EXPECT_EQ(user_of(make_certificate("app1")), "refused");
  const auto other = make_certificate("authority");
  EXPECT_EQ(user_of(make_certificate("app1", &other)), "refused");
  EXPECT_EQ(user_of(make_certificate("app1", &authority_, -60)), "refused") << "it has ended";
  connect(load());
  ASSERT_EQ(shake_hands(), Step::kDone);
  EXPECT_EQ(server_->user(), "") << "it has shown none";
}

TEST_F(TlsUsers, APinNamesAUserWhateverTheCertificateSays) {
  const auto own = make_certificate("ops");
  pin(own, "app2");
  EXPECT_EQ(user_of(own), "app2");
}

TEST_F(TlsUsers, ATicketIsWorthNoMoreThanItsCertificateIsNow) {
  const auto own = make_certificate("ops");  // says that it is somebody else
  pin(own, "app2");
  const auto context = load();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    pin(own, "app2");
    connect(context, &own, nullptr, version);
    ASSERT_EQ(shake_hands(), Step::kDone);
    (void)client_->take();  // the ticket
    auto* ticket = SSL_get1_session(client_->get());
    SSL_shutdown(client_->get());  // else OpenSSL would not use it again
    connect(context, &own, ticket, version);
    ASSERT_EQ(shake_hands(), Step::kDone);
    EXPECT_EQ(SSL_session_reused(client_->get()), 1);
    EXPECT_EQ(server_->user(), "app2");
    pins_.clear();
    connect(context, &own, ticket, version);
    EXPECT_EQ(shake_hands(), Step::kFailed) << server_->user();
    SSL_SESSION_free(ticket);
  }
}

TEST_F(TlsTest, FilesThatHaveChangedAreTakenOverWhenTheyFit) {
  const auto now = std::chrono::system_clock::now();
  auto opened = Certificates::open(settings_, identify_);
  ASSERT_TRUE(opened) << opened.status().text();
  auto& certificates = **opened;
  const auto first = certificates.get();
  certificates.look(now);
  EXPECT_EQ(certificates.get(), first) << "nothing has changed";
  const auto next = make_certificate("foo");
  std::ofstream{path("foo.crt")} << pem_of(next, false);
  certificates.look(now);
  EXPECT_EQ(certificates.get(), first) << "the key is of the other";
  EXPECT_THAT(certificates.reload().status().text(), HasSubstr("does not fit the certificate"));
  std::ofstream{path("foo.key")} << pem_of(next, true);
  certificates.look(now);
  EXPECT_NE(certificates.get(), first);
  EXPECT_FALSE(certificates.reload().value()) << "they are taken over already";
  const auto last = make_certificate("foo");
  std::ofstream{path("foo.crt")} << pem_of(last, false);
  std::ofstream{path("foo.key")} << pem_of(last, true);
  EXPECT_TRUE(certificates.reload().value());
  EXPECT_FALSE(certificates.reload().value());
  EXPECT_EQ(certificates.warning(now), "");
  EXPECT_THAT(certificates.warning(now + std::chrono::hours{24 * 20}), HasSubstr("days; replace"));
  EXPECT_THAT(certificates.warning(now + std::chrono::hours{24 * 40}), HasSubstr("has ended"));
}

}  // namespace
}  // namespace kvmesh::tls
