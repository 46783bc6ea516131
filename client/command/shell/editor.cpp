#include "client/command/shell/editor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <utility>

#include "client/command/base/session.h"
#include "client/command/base/table.h"
#include "client/command/shell/history.h"
#include "common/text.h"

namespace kvmesh::command::shell {

PlainLines::~PlainLines() { std::free(buffer_); }

Lines::Got PlainLines::next(const std::string& /*prompt*/, std::string& line) {
  auto length = getline(&buffer_, &size_, stdin);
  if (length < 0) return Got::kEnd;
  if (length > 0 && buffer_[length - 1] == '\n') --length;
  line.assign(buffer_, static_cast<std::size_t>(length));
  return Got::kLine;
}

namespace {

// The folder, locked: the file itself is another one after each change.
class FolderLock {
 public:
  explicit FolderLock(const std::string& path)
      : descriptor_(
            open(path.substr(0, path.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    while (descriptor_ >= 0 && !holds_) {
      holds_ = flock(descriptor_, LOCK_EX) == 0;
      if (!holds_ && errno != EINTR) break;
    }
  }
  ~FolderLock() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  bool holds() const { return holds_; }

 private:
  int descriptor_;
  bool holds_ = false;
};

}  // namespace

History* new_history() {
  History* made = history_init();
  if (made == nullptr) std::abort();  // no memory
  HistEvent event{};
  history(made, &event, H_SETSIZE, kHistoryLinesMax);
  history(made, &event, H_SETUNIQUE, 1);
  return made;
}

void load_history(History* history, const std::string& path) {
  HistEvent event{};
  ::history(history, &event, H_LOAD, path.c_str());
}

void append_history(const std::string& path, const std::string& line) {
  if (!make_folder_of(path)) return;
  const FolderLock lock{path};
  if (!lock.holds()) return;
  History* all = new_history();
  load_history(all, path);
  HistEvent event{};
  history(all, &event, H_ENTER, line.c_str());
  const std::string written = path + ".new";
  if (history(all, &event, H_SAVE, written.c_str()) >= 0) {
    (void)std::rename(written.c_str(), path.c_str());
  }
  history_end(all);
}

namespace {

// libedit needs a locale to know characters from bytes; only this is set, so that numbers stay as
// they are.
void use_utf8() {
  const char* set = std::setlocale(LC_CTYPE, "");  // NOLINT(concurrency-mt-unsafe): at the start
  if (set == nullptr || MB_CUR_MAX == 1) {
    std::setlocale(LC_CTYPE, "C.UTF-8");  // NOLINT(concurrency-mt-unsafe)
  }
}

// Of names that nodes tell.
void print_choices(std::vector<std::string> choices) {
  for (auto& choice : choices) choice = printable(choice);
  std::size_t width = 0;
  for (const auto& choice : choices) width = std::max(width, display_width(choice) + 2);
  const std::size_t in_a_row = std::max<std::size_t>(1, output_width() / width);
  std::string out = "\n";
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const bool last = i + 1 == choices.size() || (i + 1) % in_a_row == 0;
    out += choices[i];
    out += last ? "\n" : std::string(width - display_width(choices[i]), ' ');
  }
  std::fputs(out.c_str(), stdout);
}

Editor* editor_of(EditLine* edit) {
  void* data = nullptr;
  el_get(edit, EL_CLIENTDATA, &data);
  return static_cast<Editor*>(data);
}

}  // namespace

Editor::Editor(ShownOutput& output, Interrupts& interrupts, Complete complete,
               std::string history_path)
    : output_(output),
      interrupts_(interrupts),
      complete_(std::move(complete)),
      history_path_(std::move(history_path)) {
  use_utf8();
  edit_ = el_init("kvmesh", stdin, stdout, stderr);
  if (edit_ == nullptr) std::abort();  // no memory
  history_ = new_history();
  if (!history_path_.empty()) load_history(history_, history_path_);
  el_set(edit_, EL_CLIENTDATA, this);
  el_set(edit_, EL_EDITOR, "emacs");
  el_set(edit_, EL_SIGNAL, 0);
  el_set(edit_, EL_PROMPT, &Editor::prompt_of);
  el_set(edit_, EL_HIST, history, history_);
  el_set(edit_, EL_GETCFN, &Editor::read_character);
  // el_set() would copy both texts and never free them; this keeps the pointers.
  el_wset(edit_, EL_ADDFN, L"kvmesh-complete", L"Complete the word", &Editor::complete_word);
  el_set(edit_, EL_BIND, "^I", "kvmesh-complete", nullptr);
  el_set(edit_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  el_source(edit_, nullptr);  // ~/.editrc
}

Editor::~Editor() {
  el_end(edit_);
  history_end(history_);
}

Lines::Got Editor::next(const std::string& prompt, std::string& line) {
  prompt_ = prompt;
  interrupted_ = false;
  (void)interrupts_.take();  // one that came too late for what it was meant for
  output_.begin_editing();
  if (!output_.take_line_ended()) std::fputs("\n", stdout);
  el_resize(edit_);
  // Before the prompt is shown, so that what is typed at once is not echoed by the terminal too.
  el_set(edit_, EL_PREP_TERM, 1);
  int count = 0;
  const char* text = el_gets(edit_, &count);
  if (text == nullptr) std::fputs(interrupted_ ? "^C\n" : "\n", stdout);
  std::fflush(stdout);
  output_.end_editing();
  if (text == nullptr) {
    el_reset(edit_);
    return interrupted_ ? Got::kInterrupt : Got::kEnd;
  }
  line.assign(text, static_cast<std::size_t>(count));
  while (line.ends_with('\n')) line.pop_back();
  return Got::kLine;
}

// Saves after each: whoever ends the shell in another way than by `quit` loses nothing.
void Editor::remember(const std::string& statement) {
  if (statement.find_first_not_of(" \t\n") == std::string::npos) return;
  HistEvent event{};
  history(history_, &event, H_ENTER, statement.c_str());
  if (!history_path_.empty()) append_history(history_path_, statement);
}

char* Editor::prompt_of(EditLine* edit) { return editor_of(edit)->prompt_.data(); }

int Editor::read_character(EditLine* edit, wchar_t* character) {
  return editor_of(edit)->wait_for_character(character);
}

unsigned char Editor::complete_word(EditLine* edit, wint_t /*character*/) {
  return editor_of(edit)->complete_here();
}

// 1 with a character; 0 at the end or an interrupt.
int Editor::wait_for_character(wchar_t* character) {
  std::array<pollfd, 3> waits{pollfd{STDIN_FILENO, POLLIN, 0},
                              pollfd{output_.descriptor(), POLLIN, 0},
                              pollfd{interrupts_.descriptor(), POLLIN, 0}};
  while (true) {
    if (poll(waits.data(), waits.size(), -1) < 0) continue;  // a signal
    if (waits[2].revents != 0 && interrupts_.take()) {
      interrupted_ = true;
      return 0;
    }
    if (waits[1].revents != 0) show_output();
    if (waits[0].revents != 0) return decode_character(character);
  }
}

int Editor::decode_character(wchar_t* character) {
  std::mbstate_t state{};
  while (true) {
    char byte = 0;
    const auto count = read(STDIN_FILENO, &byte, 1);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) return 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the state is given, so it is safe
    const auto used = std::mbrtowc(character, &byte, 1, &state);
    if (used == static_cast<std::size_t>(-2)) continue;  // there is more of it
    if (used == static_cast<std::size_t>(-1)) {          // it is none
      state = {};
      continue;
    }
    return 1;
  }
}

unsigned char Editor::complete_here() {
  const LineInfo* line = el_line(edit_);
  const std::string_view before{line->buffer,
                                static_cast<std::size_t>(line->cursor - line->buffer)};
  const Completion found = complete_(before);
  if (!found.insert.empty()) {
    return el_insertstr(edit_, found.insert.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
  }
  if (found.choices.empty()) return CC_REFRESH_BEEP;
  print_choices(found.choices);
  return CC_REDISPLAY;
}

void Editor::show_output() {
  hide_line();
  output_.show_waiting();
  if (!output_.take_line_ended()) std::fputs("\n", stdout);
  std::fflush(stdout);
  el_set(edit_, EL_REFRESH);  // draws the whole line again, from the cursor's place
}

// To the beginning of the first row that the prompt and the line take, and clears all below.
void Editor::hide_line() const {
  const LineInfo* line = el_line(edit_);
  const std::string_view before{line->buffer,
                                static_cast<std::size_t>(line->cursor - line->buffer)};
  const std::size_t row = (display_width(prompt_) + display_width(before)) / output_width();
  std::string out = "\r";
  if (row > 0) out += "\x1b[" + std::to_string(row) + "A";
  out += "\x1b[J";
  std::fputs(out.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace kvmesh::command::shell
