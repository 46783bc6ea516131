// keygen.
#include <sodium.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "client/command/base/program.h"
#include "client/command/commands.h"
#include "common/config/address.h"
#include "common/names.h"
#include "common/security/key_file.h"
#include "common/security/principals.h"
#include "common/security/secrets.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

using security::KeyFile;
using security::KeyPair;
using security::SecretKey;

struct KeygenOptions {
  std::string node;
  std::string user;
  std::string address;   // of a node, for its clients
  std::string file;      // empty: NAME.key in the working directory
  std::string security;  // security.toml, for the public keys of nodes
  bool token = false;
  bool password = false;
};

// A line of standard input; a terminal does not show it. Overwritten at the end.
struct TypedSecret {
  std::string text;
  ~TypedSecret() { sodium_memzero(text.data(), text.size()); }

  bool read(const char* prompt) {
    const bool terminal = isatty(STDIN_FILENO) != 0;
    termios before{};
    if (terminal) {
      (void)tcgetattr(STDIN_FILENO, &before);
      auto silent = before;
      silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
      (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
      std::fputs(prompt, stderr);
    }
    const bool is_there = static_cast<bool>(std::getline(std::cin, text));
    if (terminal) {
      (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
      std::fputs("\n", stderr);
    }
    return is_there;
  }
};

std::string head_of(const KeygenOptions& options) {
  return options.user.empty() ? "[node.\"" + options.node + "\"]" : "[user." + options.user + "]";
}

// What belongs into security.toml; with --json, the same as members.
int show(const Session& session, const KeygenOptions& options, const char* member,
         const std::string& value, const std::string& file) {
  const bool is_list = std::string_view{member} != "password";
  if (session.json()) {
    Value::Map out{{"principal", options.user.empty() ? options.node : options.user},
                   {member, value}};
    if (!options.address.empty()) out.emplace_back("address", options.address);
    if (!file.empty()) out.emplace_back("file", file);
    session.print_json(std::move(out));
    return kExitOk;
  }
  session.print_line(head_of(options));
  session.print_line(std::string{member} + " = " + (is_list ? "[\"" : "\"") + value +
                     (is_list ? "\"]" : "\""));
  if (!options.address.empty()) session.print_line("address = \"" + options.address + "\"");
  return kExitOk;
}

int make_password(const Session& session, const KeygenOptions& options) {
  if (!session.may_read_stdin()) return kExitUsage;
  TypedSecret password;
  if (!password.read(("Password of " + options.user + ": ").c_str()) || password.text.empty()) {
    session.complain("no password was given; type one, or give it as a line of standard input");
    return kExitUsage;
  }
  if (isatty(STDIN_FILENO) != 0) {
    TypedSecret again;
    if (!again.read("The same again: ") || again.text != password.text) {
      session.complain("these are two different passwords; nothing was made");
      return kExitUsage;
    }
  }
  const auto hash = security::hash_password(password.text);
  if (!hash) return session.fail(hash.status());
  return show(session, options, "password", *hash, {});
}

std::string file_of(const KeygenOptions& options, const char* ending) {
  if (!options.file.empty()) return options.file;
  return (options.user.empty() ? options.node : options.user) + ending;
}

int make_token(const Session& session, const KeygenOptions& options) {
  const auto file = file_of(options, ".token");
  TypedSecret token{security::make_token()};
  const auto written = security::write_secret_file(file, token.text + "\n");
  if (!written.ok()) return session.end_with(kExitUsage, written);
  return show(session, options, "tokens", security::text_of(security::digest_of(token.text)), file);
}

// Those whose address the file tells.
Result<decltype(KeyFile::nodes)> nodes_of(const std::string& file) {
  const auto principals = security::Principals::load(file);
  if (!principals) return principals.status();
  decltype(KeyFile::nodes) out;
  for (const auto& [name, principal] : (*principals)->all()) {
    if (!principal.is_node || principal.address.empty()) continue;
    auto keys = principal.keys;
    std::erase_if(keys, [&](const auto& key) { return (*principals)->is_revoked(key); });
    if (!keys.empty()) out.emplace(principal.address, std::move(keys));
  }
  if (!out.empty()) return out;
  return Status{StatusCode::kInvalidArgument,
                in_quotes(file) +
                    " tells no node's address; add address = \"tcp://host:port\" to "
                    "the nodes that clients connect to"};
}

int make_key(const Session& session, const KeygenOptions& options) {
  KeyFile key{options.user.empty() ? options.node : options.user,
              options.user.empty(),
              KeyPair{SecretKey::make()},
              {}};
  if (!options.security.empty()) {
    auto nodes = nodes_of(options.security);
    if (!nodes) {
      session.complain_lines(nodes.status().text());
      return kExitUsage;
    }
    key.nodes = *std::move(nodes);
  }
  const auto file = file_of(options, ".key");
  const auto written = security::write_key_file(file, key);
  if (!written.ok()) return session.end_with(kExitUsage, written);
  return show(session, options, "keys", key.keys.public_key.str(), file);
}

int keygen(const Session& session, const KeygenOptions& options) {
  const auto name = options.user.empty() ? NodeName::parse(options.node).status()
                                         : security::check_user_name(options.user);
  if (!name.ok()) return session.end_with(kExitUsage, name);
  if (!options.address.empty()) {
    const auto address = check_endpoint(options.address, AddressUse::kConnect);
    if (!address.ok()) return session.end_with(kExitUsage, address);
  }
  if (options.password) return make_password(session, options);
  return options.token ? make_token(session, options) : make_key(session, options);
}

}  // namespace

void add_keygen_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "keygen", "Make a key, and print what to write about it into security.toml");
  command->footer(exit_statuses_of_no_mesh());
  auto options = std::make_shared<KeygenOptions>();
  auto* node = command->add_option("NAME", options->node, "A node, as in foo@dc1: makes NAME.key");
  auto* user = command->add_option("--user", options->user, "A user instead: makes USER.key")
                   ->type_name("USER")
                   ->excludes(node);
  auto* password =
      command
          ->add_flag("--password", options->password,
                     "Hash a password of that user instead, typed or a line of standard input")
          ->needs(user);
  auto* token =
      command->add_flag("--token", options->token, "A token of that user instead: makes USER.token")
          ->needs(user)
          ->excludes(password);
  command
      ->add_option("--address", options->address,
                   "Where clients find that node: tcp://host:port; printed, too")
      ->type_name("ENDPOINT")
      ->needs(node)
      ->excludes(user);
  command->add_option("--file", options->file, "Another place for the key or token")
      ->type_name("FILE")
      ->excludes(password);
  command
      ->add_option("--security", options->security,
                   "A security.toml: the user's key file gets the public keys of its nodes")
      ->type_name("FILE")
      ->needs(user)
      ->excludes(password)
      ->excludes(token);
  command->callback([&session, options] {
    if (options->node.empty() && options->user.empty()) {
      throw CLI::RequiredError("NAME or --user");
    }
    session.action = [&session, options] { return keygen(session, *options); };
  });
}

}  // namespace kvmesh::command
