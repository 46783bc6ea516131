#include "node/tls/openssl.h"

#include <openssl/err.h>

namespace kvmesh::tls {

std::string take_fault() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "an unknown fault" : reason;
}

}  // namespace kvmesh::tls
