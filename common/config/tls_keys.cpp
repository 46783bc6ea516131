#include "common/config/tls_keys.h"

#include <string>
#include <string_view>
#include <utility>

#include "common/config/key_kinds.h"
#include "common/text.h"

namespace kvmesh::config {
namespace {

using Tls = Settings::Tls;

constexpr std::string_view kTlsCertificate = "kv_server.tls.certificate";
constexpr std::string_view kTlsKey = "kv_server.tls.key";
constexpr std::string_view kTlsClientsKey = "kv_server.tls.clients";
constexpr std::string_view kTlsCa = "kv_server.tls.ca";

template <std::string Tls::*member>
KeySpec tls_file_key(std::string_view key, std::string meaning, std::string_view example) {
  meaning += " A relative path starts at the folder of the file that names it.";
  return path_key(
      plain(std::string{key}, "", std::move(meaning)), example, "file",
      [](Settings& settings) -> std::string& { return settings.kv_server.tls.*member; });
}

KeySpec clients_key() {
  KeySpec spec =
      plain(std::string{kTlsClientsKey}, "",
            "Whether clients show a certificate. `none`: they are not asked. `optional`: one that "
            "shows none is anonymous until it says AUTH. `required`: one that shows none is "
            "refused. A certificate names a user by its pin in mesh.security, or by its name when "
            "kv_server.tls.ca has signed it; any other is refused.");
  spec.range = "none, optional, required";
  return string_key(std::move(spec), "clients = \"required\"",
                    {[](Settings& settings, const std::string& text) {
                       const auto clients = parse_tls_clients(text);
                       if (clients) settings.kv_server.tls.clients = *clients;
                       return clients ? Status{}
                                      : Status{StatusCode::kInvalidArgument,
                                               in_quotes(text) +
                                                   " is none of them; write none, optional or "
                                                   "required"};
                     },
                     [](const Settings& settings) {
                       return std::string{to_string(settings.kv_server.tls.clients)};
                     }});
}

}  // namespace

std::vector<KeySpec> tls_keys() {
  std::vector<KeySpec> out;
  out.push_back(tls_file_key<&Tls::certificate>(
      kTlsCertificate,
      "The certificate of this node for clients of the line protocol, in PEM, and then those that "
      "lead to its authority. With it and kv_server.tls.key the port speaks TLS only, 1.2 or 1.3. "
      "Read again on SIGHUP, by kvmesh reload, and within a minute when the files have changed.",
      "certificate = \"foo.crt\""));
  out.push_back(tls_file_key<&Tls::key>(
      kTlsKey,
      "The private key that fits it, in PEM without a password. Nobody but the node may read the "
      "file, nor change its folder, as with a key file.",
      "key = \"foo.key\""));
  out.push_back(clients_key());
  out.push_back(tls_file_key<&Tls::ca>(
      kTlsCa,
      "The certificates of authorities, in PEM, that sign those of clients: of one that they have "
      "signed, a DNS name, or else the common name, is the name of the user.",
      "ca = \"ca.crt\""));
  return out;
}

void check_tls(const Draft& draft, Faults& faults) {
  const auto& tls = draft.settings.kv_server.tls;
  const auto needs = [&](std::string_view key, bool is_given, std::string_view other,
                         std::string_view line) {
    if (!is_given || draft.given(other)) return;
    faults.add(
        draft.place_of(key), key,
        "needs " + std::string{other} + "; add " + std::string{line} + ", or leave this key out");
  };
  needs(kTlsCertificate, draft.given(kTlsCertificate), kTlsKey, "key = \"FILE\"");
  needs(kTlsKey, draft.given(kTlsKey), kTlsCertificate, "certificate = \"FILE\"");
  const bool asks = tls.clients != TlsClients::kNone;
  needs(kTlsClientsKey, asks && draft.sound(kTlsClientsKey), kTlsCertificate,
        "certificate = \"FILE\" and key = \"FILE\"");
  if (draft.given(kTlsCa) && !asks && draft.sound(kTlsClientsKey)) {
    faults.add(draft.place_of(kTlsCa), kTlsCa,
               "is of no use, as clients are not asked for a certificate; set "
               "kv_server.tls.clients to optional or required, or leave this key out");
  }
  if (asks && draft.sound(kTlsClientsKey) && !draft.given(kTlsCa) &&
      !draft.given("mesh.security")) {
    faults.add(draft.place_of(kTlsClientsKey), kTlsClientsKey,
               "lets nobody in, as nothing says whose certificates are good; add "
               "kv_server.tls.ca = \"FILE\", or mesh.security with pins of certificates");
  }
}

}  // namespace kvmesh::config
