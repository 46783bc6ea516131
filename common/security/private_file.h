#pragma once

#include <string>
#include <utility>

#include <kvmesh/status.h>

/// Files that hold a secret of their owner.
namespace kvmesh::security {

/// Text that is overwritten before its memory is somebody else's.
struct WipedText {
  WipedText() = default;
  explicit WipedText(std::string its_text) : text(std::move(its_text)) {}
  WipedText(const WipedText&) = delete;
  WipedText& operator=(const WipedText&) = delete;
  ~WipedText();

  std::string text;
};

/// Reads a file of at most 256 KiB. kInvalidArgument, with the path, what is wrong and what to
/// type, when it cannot be read, is no regular file (a link too), belongs to somebody else but
/// root, can be read or written by others, or stands in a folder that others may change. No text of
/// a fault holds anything of the file.
Status read_private_file(const std::string& path, WipedText& out);
/// The same of a file that others may read, but not write, of at most 4 MiB; it may be a link.
Status read_trusted_file(const std::string& path, std::string& out);

}  // namespace kvmesh::security
