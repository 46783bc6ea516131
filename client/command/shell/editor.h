#pragma once

#include <histedit.h>

#include <functional>
#include <string>
#include <string_view>

#include "client/command/base/interrupts.h"
#include "client/command/base/shown_output.h"
#include "client/command/shell/lines.h"
#include "client/command/shell/shell_command.h"

namespace kvmesh::command::shell {

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

 private:
  static char* prompt_of(EditLine* edit);
  static int read_character(EditLine* edit, wchar_t* character);
  static unsigned char complete_word(EditLine* edit, wint_t character);

  int wait_for_character(wchar_t* character);
  int decode_character(wchar_t* character);
  unsigned char complete_here();
  void show_output();
  void hide_line() const;
  void remember(const std::string& line);

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
