// Signals that come while libzmq looks at its mailbox: each of our calls goes on as if there had
// been none. This program has its own poll() and zmq_send(), which libzmq and our code find before
// the real ones. So it is a program of its own.

#include <dlfcn.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include <zmq.hpp>

#include "common/transport/message.h"

namespace {

thread_local int interrupted_looks = 0;   // so many polls that do not wait end with EINTR
thread_local bool between_parts = false;  // once the first part of a message is sent

// libzmq looks at its mailbox while sending only when a millisecond has passed, by the processor's
// own clock.
void let_libzmq_look_again() {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{10};
  while (std::chrono::steady_clock::now() < until) {
  }
}

}  // namespace

extern "C" int poll(pollfd* watched, nfds_t count, int timeout) {
  if (timeout == 0 && interrupted_looks > 0) {
    --interrupted_looks;
    errno = EINTR;
    return -1;
  }
  return static_cast<int>(syscall(SYS_poll, watched, count, timeout));
}

extern "C" int zmq_send(void* socket, const void* bytes, std::size_t size, int flags) {
  static const auto real =
      reinterpret_cast<int (*)(void*, const void*, std::size_t, int)>(dlsym(RTLD_NEXT, "zmq_send"));
  const int sent = real(socket, bytes, size, flags);
  if (between_parts && sent >= 0 && (flags & ZMQ_SNDMORE) != 0) {
    let_libzmq_look_again();
    interrupted_looks = 1;
  }
  return sent;
}

namespace kvmesh::transport {
namespace {

class InterruptedCalls : public testing::Test {
 protected:
  InterruptedCalls() {
    router_.set(zmq::sockopt::linger, 0);
    dealer_.set(zmq::sockopt::linger, 0);
    router_.bind("tcp://127.0.0.1:*");
    dealer_.connect(router_.get(zmq::sockopt::last_endpoint));
  }
  void TearDown() override {
    EXPECT_EQ(std::exchange(interrupted_looks, 0), 0) << "what was to be interrupted did not look";
    between_parts = false;
  }

  // Calls `look` when there is news for the socket, until it finds something; its first look into
  // the mailbox is interrupted each time.
  template <typename Look>
  static bool finds(zmq::socket_t& socket, Look look) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (std::chrono::steady_clock::now() < until) {
      pollfd watched{socket.get(zmq::sockopt::fd), POLLIN, 0};
      (void)poll(&watched, 1, 1000);
      interrupted_looks = 1;
      if (look()) return true;
    }
    return false;
  }
  // The routing id of the dealer, once it has sent something.
  std::string dealers_id() {
    dealer_.send(zmq::str_buffer("hello"));
    zmq::message_t id;
    zmq::message_t body;
    EXPECT_TRUE(router_.recv(id));
    EXPECT_TRUE(router_.recv(body));
    return id.to_string();
  }
  std::string next_of_dealer() {
    zmq::message_t message;
    if (!dealer_.recv(message)) return "nothing";
    EXPECT_FALSE(message.more());
    return message.to_string();
  }

  zmq::context_t context_{1};
  zmq::socket_t router_{context_, zmq::socket_type::router};
  zmq::socket_t dealer_{context_, zmq::socket_type::dealer};
};

TEST_F(InterruptedCalls, AMessageIsSentWithAllItsParts) {
  const auto id = dealers_id();
  for (const std::size_t bytes : {10, 20'000}) {
    between_parts = true;
    const std::string text(bytes, 'r');
    wire::Buffer frame;
    frame.append(text);
    EXPECT_EQ(send_frame_to(router_.handle(), id, frame), Sent::kTaken);
    between_parts = false;
    wire::Buffer next;
    next.append("next");
    EXPECT_EQ(send_frame_to(router_.handle(), id, next), Sent::kTaken);
    EXPECT_EQ(next_of_dealer(), text);
    EXPECT_EQ(next_of_dealer(), "next") << "its routing id is no frame of the dealer";
  }
}

TEST_F(InterruptedCalls, AMessageThatIsThereIsReceived) {
  dealer_.send(zmq::str_buffer("first"));
  Message id;
  Message body;
  ASSERT_TRUE(finds(router_, [&] { return id.receive(router_.handle()); }));
  interrupted_looks = 0;
  ASSERT_TRUE(body.receive(router_.handle()));
  EXPECT_EQ(body.bytes(), "first");
}

TEST_F(InterruptedCalls, ALookFindsWhatIsThere) {
  dealer_.send(zmq::str_buffer("first"));
  EXPECT_TRUE(finds(router_, [&] { return poll_socket(router_.handle()).input; }));
  interrupted_looks = 0;
}

}  // namespace
}  // namespace kvmesh::transport
