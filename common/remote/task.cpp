#include <kvmesh/task.h>

#include <string>

namespace kvmesh {
namespace {

std::string line(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 1);
  out.append(text).push_back('\n');
  return out;
}

}  // namespace

void Task::print(std::string_view text) { output(OutputStream::kOut, line(text)); }
void Task::write(std::string_view bytes) { output(OutputStream::kOut, bytes); }
void Task::err(std::string_view text) { output(OutputStream::kErr, line(text)); }

bool Task::sleep_for(std::chrono::milliseconds time) {
  // Both: the token may be set a moment after the wait has ended for that reason.
  return pause(time) && !stop_token().stop_requested();
}

}  // namespace kvmesh
