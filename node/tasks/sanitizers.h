#pragma once

// Which sanitizer this is compiled for: gcc and clang say it in different ways.

#if defined(__SANITIZE_ADDRESS__)
#define KVMESH_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KVMESH_ADDRESS_SANITIZER 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define KVMESH_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define KVMESH_THREAD_SANITIZER 1
#endif
#endif

#if !defined(KVMESH_ADDRESS_SANITIZER)
#define KVMESH_ADDRESS_SANITIZER 0
#endif
#if !defined(KVMESH_THREAD_SANITIZER)
#define KVMESH_THREAD_SANITIZER 0
#endif

namespace kvmesh::tasks {

/// Instrumented frames are several times as large.
inline constexpr bool kSanitized = KVMESH_ADDRESS_SANITIZER != 0 || KVMESH_THREAD_SANITIZER != 0;

}  // namespace kvmesh::tasks
