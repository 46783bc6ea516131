#pragma once

#include <histedit.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "client/command/base/interrupts.h"
#include "client/command/base/shown_output.h"
#include "client/command/shell/shell_command.h"

namespace kvmesh::command::shell {

/// Where the shell's lines come from.
class Lines {
 public:
  enum class Got : std::uint8_t { kLine, kInterrupt, kEnd };

  virtual ~Lines() = default;
  /// The next line, without its end.
  virtual Got next(const std::string& prompt, std::string& line) = 0;
};

/// The lines of standard input, without a prompt.
class PlainLines final : public Lines {
 public:
  ~PlainLines() override;
  Got next(const std::string& prompt, std::string& line) override;

 private:
  char* buffer_ = nullptr;  // of getline()
  std::size_t size_ = 0;
};

/// How many lines are kept.
constexpr int kHistoryLinesMax = 1000;

/// A history of libedit's, empty, with that bound; ends with history_end(). Aborts without memory.
History* new_history();

/// Adds the lines of the file to `history`. A file that is not there holds none.
void load_history(History* history, const std::string& path);

/// Adds one line, or statement with line ends, to the file, whose folder is made where it is
/// missing. Several shells may do so at once, each keeps what the others wrote; a reader finds the
/// file as it was before or after. When it cannot be written the line is not kept.
void append_history(const std::string& path, const std::string& line);

/// Lines from a terminal, with editing, history and completion by libedit. What tasks write appears
/// above the line that is being edited. One thread.
class Editor final : public Lines {
 public:
  using Complete = std::function<Completion(std::string_view before)>;

  /// `history_path` may be empty: then lines are forgotten.
  Editor(ShownOutput& output, Interrupts& interrupts, Complete complete, std::string history_path);
  ~Editor() override;
  Editor(const Editor&) = delete;
  Editor& operator=(const Editor&) = delete;

  Got next(const std::string& prompt, std::string& line) override;
  /// Keeps a statement, which may have line ends, in the history.
  void remember(const std::string& statement);

 private:
  static char* prompt_of(EditLine* edit);
  static int read_character(EditLine* edit, wchar_t* character);
  static unsigned char complete_word(EditLine* edit, wint_t character);

  int wait_for_character(wchar_t* character);
  int decode_character(wchar_t* character);
  unsigned char complete_here();
  void show_output();
  void hide_line() const;

  ShownOutput& output_;
  Interrupts& interrupts_;
  const Complete complete_;
  const std::string history_path_;
  EditLine* edit_;
  History* history_;
  std::string prompt_;
  bool interrupted_ = false;
};

}  // namespace kvmesh::command::shell
