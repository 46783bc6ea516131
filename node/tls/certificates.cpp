#include "node/tls/certificates.h"

#include <sys/stat.h>

#include <utility>

#include <spdlog/spdlog.h>

namespace kvmesh::tls {
namespace {

constexpr std::chrono::hours kBetweenWarnings{24};

}  // namespace

Result<std::unique_ptr<Certificates>> Certificates::open(Settings::Tls settings,
                                                         Identify identify) {
  std::unique_ptr<Certificates> out{new Certificates{std::move(settings), std::move(identify)}};
  if (auto status = out->read(); !status.ok()) return status;
  return out;
}

std::vector<Certificates::Stamp> Certificates::stamps() const {
  std::vector<Stamp> out;
  for (const auto* path : {&settings_.certificate, &settings_.key, &settings_.ca}) {
    struct stat about {};
    Stamp stamp{};
    if (!path->empty() && ::stat(path->c_str(), &about) == 0) {
      stamp = {static_cast<std::int64_t>(about.st_ino), about.st_size, about.st_mtim.tv_sec,
               about.st_mtim.tv_nsec, about.st_ctim.tv_sec};
    }
    out.push_back(stamp);
  }
  return out;
}

// The stamps come first: a file that changes meanwhile is read again at the next look.
Status Certificates::read() {
  stamps_ = stamps();
  auto context = Context::load(settings_, identify_);
  if (!context) return context.status();
  now_.store(*std::move(context));
  return {};
}

Result<bool> Certificates::reload() {
  const std::scoped_lock lock{mutex_};
  const auto before = get();
  const auto status = read();
  if (status.ok()) return !get()->is_same(*before);
  return Status{status.code(), "the certificates are not taken over, and those from before stay: " +
                                   status.text()};
}

void Certificates::look(std::chrono::system_clock::time_point now) {
  const std::scoped_lock lock{mutex_};
  if (stamps_ != stamps()) {
    const auto status = read();
    if (status.ok()) {
      spdlog::info("the certificates have changed and are taken over");
    } else {
      spdlog::error(
          "the certificates have changed and are not taken over, those from before "
          "stay: {}",
          status.text());
    }
  }
  if (now - warned_at_ < kBetweenWarnings) return;
  const auto warning = get()->warning(now);
  if (warning.empty()) return;
  warned_at_ = now;
  spdlog::warn("{}", warning);
}

}  // namespace kvmesh::tls
