// [kv_server.tls]: what it may say, and how a fault is told. Nothing reads the files here.

#include <string>
#include <string_view>

#include "tests/unit/settings_fixture.h"

namespace kvmesh {
namespace {

class TlsSettings : public SettingsTest {
 protected:
  std::string faults_with(std::string_view text) {
    sources_.files.clear();
    add_file("foo.toml",
             "name = \"foo@localhost\"\napps = [\"kv\", \"kv_server\"]\n" + std::string{text});
    return faults();
  }
};

TEST_F(TlsSettings, TlsNeedsACertificateItsKeyAndToKnowWhoseCertificatesAreGood) {
  const std::string tls = "certificate = \"a.crt\"\nkey = \"a.key\"\n";
  const std::string users = "[mesh]\nkey = \"b.key\"\nsecurity = \"security.toml\"\n";
  EXPECT_EQ(faults_with("[kv_server.tls]\n" + tls), "");
  EXPECT_EQ(faults_with(users + "[kv_server]\nlisten = \"0.0.0.0:6040\"\n[kv_server.tls]\n" + tls),
            "");
  EXPECT_EQ(
      faults_with("[kv_server.tls]\ncertificate = \"a.crt\""),
      "foo.toml:4: kv_server.tls.certificate: needs kv_server.tls.key; add key = \"FILE\", or "
      "leave this key out");
  EXPECT_EQ(faults_with("[kv_server.tls]\nkey = \"a.key\""),
            "foo.toml:4: kv_server.tls.key: needs kv_server.tls.certificate; add certificate = "
            "\"FILE\", or leave this key out");
  EXPECT_EQ(faults_with("[kv_server.tls]\n" + tls + "clients = \"some\""),
            "foo.toml:6: kv_server.tls.clients: \"some\" is none of them; write none, optional or "
            "required");
  EXPECT_EQ(
      faults_with("[kv_server.tls]\n" + tls + "clients = \"required\""),
      "foo.toml:6: kv_server.tls.clients: lets nobody in, as nothing says whose certificates "
      "are good; add kv_server.tls.ca = \"FILE\", or mesh.security with pins of certificates");
  EXPECT_EQ(faults_with(users + "[kv_server.tls]\n" + tls + "clients = \"required\""), "");
  EXPECT_EQ(
      faults_with("[kv_server.tls]\n" + tls + "ca = \"ca.crt\""),
      "foo.toml:6: kv_server.tls.ca: is of no use, as clients are not asked for a "
      "certificate; set kv_server.tls.clients to optional or required, or leave this key out");
}

TEST_F(TlsSettings, PathsBeginAtTheFolderOfTheFileThatNamesThem) {
  EXPECT_EQ(faults_with("[kv_server]\ntls = { certificate = \"a.crt\", key = \"/b.key\" }"), "");
  const auto tls = load().settings.kv_server.tls;
  EXPECT_TRUE(tls.certificate.starts_with("/") && tls.certificate.ends_with("/a.crt"))
      << tls.certificate;
  EXPECT_EQ(tls.key, "/b.key");
  EXPECT_TRUE(tls.is_on());
}

}  // namespace
}  // namespace kvmesh
