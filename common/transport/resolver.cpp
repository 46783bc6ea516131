#include "common/transport/resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <initializer_list>
#include <system_error>
#include <thread>
#include <utility>

#include "common/text.h"

namespace kvmesh::transport {
namespace {

constexpr std::size_t kAddressesMax = 8;

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

std::string why_not_found(int failed) {
  return failed == EAI_SYSTEM ? std::generic_category().message(errno) : gai_strerror(failed);
}

}  // namespace

Result<std::vector<std::string>> look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failed = getaddrinfo(host.c_str(), nullptr, &hints, &found); failed != 0) {
    return Status{StatusCode::kUnavailable, "the host name " + in_quotes(host) +
                                                " cannot be resolved: " + why_not_found(failed)};
  }
  const std::unique_ptr<addrinfo, FreeAddresses> list{found};
  std::vector<std::string> out;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const auto* entry = found; entry != nullptr; entry = entry->ai_next) {
      char text[NI_MAXHOST];  // NOLINT: filled by the next call
      if (entry->ai_family != family || out.size() == kAddressesMax ||
          getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof text, nullptr, 0,
                      NI_NUMERICHOST) != 0) {
        continue;
      }
      if (std::ranges::find(out, text) == out.end()) out.emplace_back(text);
    }
  }
  if (!out.empty()) return out;
  return Status{StatusCode::kUnavailable,
                "the host name " + in_quotes(host) + " has no IP address"};
}

Resolver::Resolver(LookUp look_up) : shared_(std::make_shared<Shared>()) {
  shared_->look_up = std::move(look_up);
}

// Never destroyed: a thread may still be at it when the process ends.
Resolver& Resolver::of_the_system() {
  static auto* const resolver = new Resolver{look_up};  // NOLINT: see above
  return *resolver;
}

std::shared_ptr<const Resolver::Question> Resolver::ask(const std::string& host) {
  auto question = std::make_shared<Question>();
  {
    const std::scoped_lock lock{shared_->mutex};
    const auto [at, is_new] = shared_->under_way.emplace(host, question);
    if (!is_new) return at->second;
  }
  try {
    std::thread{[shared = shared_, host, question] {
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, nullptr);  // they are for the program's own threads
      question->answer_ = shared->look_up(host);
      answer(*shared, host, *question);
    }}.detach();
  } catch (const std::system_error& error) {
    question->answer_ = Status{StatusCode::kUnavailable, "no thread to look up the host name " +
                                                             in_quotes(host) + ": " + error.what()};
    answer(*shared_, host, *question);
  }
  return question;
}

void Resolver::answer(Shared& shared, const std::string& host, Question& question) {
  {
    const std::scoped_lock lock{shared.mutex};
    shared.under_way.erase(host);
  }
  question.answered_.store(true, std::memory_order_release);
}

}  // namespace kvmesh::transport
