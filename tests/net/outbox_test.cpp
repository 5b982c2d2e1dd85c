#include "net/outbox.hpp"

#include "net/unique_fd.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <fcntl.h>
#include <random>
#include <string>
#include <sys/socket.h>
#include <vector>

using namespace beckon;
using net::outbox;

namespace {

/// A stream to a client. Its buffers are small, so that little is taken at once.
struct stream {
  net::unique_fd ours, theirs;
  std::string got;

  explicit stream(int buffer_bytes = 8 * 1024) {
    int ends[2];
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    ours = net::unique_fd(ends[0]);
    theirs = net::unique_fd(ends[1]);
    ::setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
  }

  /// The client reads up to `most` bytes. @returns how many there were
  std::size_t read(std::size_t most) {
    std::string bytes(most, '\0');
    auto n = ::recv(theirs.get(), bytes.data(), bytes.size(), 0);
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    got += bytes;
    return bytes.size();
  }
};

/// Bytes that are not the same twice.
std::string numbered(std::size_t bytes, std::size_t& number) {
  std::string text;
  while (text.size() < bytes)
    text += std::to_string(number++) + ' ';
  text.resize(bytes);
  return text;
}

protocol::shared_frame frame_of(const std::string& payload) {
  return protocol::shared_frame::make(protocol::opcode::text, payload.size(),
                                      [&](char* out) { payload.copy(out, payload.size()); });
}

/// Writes until the client's side is full, reads there, and so on to the end.
void drain(outbox& box, stream& to) {
  while (box.write(to.ours.get()) == outbox::progress::blocked)
    BOOST_REQUIRE(to.read(1 << 20) > 0);
  while (to.read(1 << 20) > 0) {
  }
}

/// What a queue may hold beside what waits in it.
std::size_t waste_max(std::size_t queued) {
  return 2 * std::max(std::min(queued, outbox::chunk_bytes_middle), queued / 8) +
         2 * outbox::chunk_bytes_min;
}

} // namespace

BOOST_AUTO_TEST_SUITE(net_outbox)

BOOST_AUTO_TEST_CASE(everything_leaves_in_order_whatever_its_size) {
  for (auto buffer : {1, 8 * 1024, 1024 * 1024}) {
    stream to(buffer);
    outbox box;
    std::string expected;
    std::size_t number = 0;
    for (std::size_t size : {1, 2, 100, 1023, 1024, 1025, 4085, 4095, 4096, 4097, 17'000, 70'000}) {
      auto text = numbered(size, number);
      box.append(text);
      expected += text;
      auto shared = frame_of(numbered(size, number));
      box.append(shared);
      expected += shared.wire();
      auto own = numbered(size, number);
      box.append_message(protocol::opcode::text, own);
      expected += frame_of(own).wire();
    }
    BOOST_TEST(box.queued() == expected.size());
    BOOST_TEST(box.appended() == expected.size());
    drain(box, to);
    BOOST_TEST((to.got == expected));
    BOOST_TEST(box.empty());
    BOOST_TEST(box.taken() == expected.size());
    BOOST_TEST(box.held() == 0U);
  }
}

BOOST_AUTO_TEST_CASE(more_pieces_than_one_call_takes_leave_by_several) {
  stream to(1 << 20);
  outbox box;
  std::string expected;
  std::size_t number = 0;
  // Two pieces each: what is copied, and what is shared.
  for (std::size_t i = 0; i < outbox::pieces_per_call; ++i) {
    box.append("small ");
    auto large = frame_of(numbered(outbox::share_bytes_min, number));
    box.append(large);
    expected.append("small ").append(large.wire());
  }
  drain(box, to);
  BOOST_TEST((to.got == expected));
}

BOOST_AUTO_TEST_CASE(what_is_copied_between_shared_frames_lies_together) {
  outbox box;
  std::size_t number = 0;
  for (int i = 0; i < 50; ++i) {
    box.append("small ");
    box.append(frame_of(numbered(outbox::share_bytes_min, number)));
  }
  BOOST_TEST(box.held() == outbox::chunk_bytes_min);
}

BOOST_AUTO_TEST_CASE(a_queue_that_never_runs_empty_gives_back_what_has_left) {
  stream to;
  outbox box;
  std::string expected;
  std::size_t number = 0, held_max = 0;
  constexpr std::size_t kept = 100'000, total = 20'000'000;
  while (expected.size() < total) {
    auto text = numbered(1'000, number);
    box.append(text);
    expected += text;
    if (box.queued() < kept)
      continue;
    while (box.queued() > kept / 2) {
      box.write(to.ours.get());
      to.read(3'000);
      BOOST_REQUIRE(box.held() <= box.queued() + waste_max(kept));
    }
    BOOST_REQUIRE(!box.empty());
    held_max = std::max(held_max, box.held());
  }
  BOOST_TEST_MESSAGE("at most " << held_max << " bytes for " << kept);
  drain(box, to);
  BOOST_TEST((to.got == expected));
}

BOOST_AUTO_TEST_CASE(a_full_queue_costs_a_quarter_more_at_most) {
  for (std::size_t size : {20U, 130U, 1'000U, 3'000U, 4'000U}) {
    stream to;
    outbox box;
    std::string expected;
    std::size_t number = 0;
    auto fill = [&] {
      while (box.queued() < 256 * 1024) {
        auto text = numbered(size, number);
        box.append(text);
        expected += text;
      }
    };
    fill();
    BOOST_TEST(box.held() <= box.queued() * 5 / 4);
    // And as the client goes on reading a little.
    for (int i = 0; i < 1'000; ++i) {
      to.read(777);
      box.write(to.ours.get());
      fill();
      BOOST_REQUIRE(box.held() <= box.queued() * 5 / 4);
    }
    drain(box, to);
    BOOST_TEST((to.got == expected));
  }
}

BOOST_AUTO_TEST_CASE(a_short_queue_holds_little) {
  outbox box;
  box.append("x");
  BOOST_TEST(box.held() == outbox::chunk_bytes_min);
  std::size_t number = 0;
  while (box.queued() < 30'000) {
    box.append(numbered(100, number));
    BOOST_REQUIRE(box.held() <= box.queued() + std::max(outbox::chunk_bytes_min, box.queued()));
    BOOST_REQUIRE(box.held() <= box.queued() + outbox::chunk_bytes_middle);
  }
}

BOOST_AUTO_TEST_CASE(any_mixture_read_in_any_steps_arrives) {
  std::mt19937 dice(7);
  auto up_to = [&](std::size_t most) { return dice() % most + 1; };
  for (int round = 0; round < 20; ++round) {
    stream to(static_cast<int>(up_to(40'000)));
    outbox box;
    std::string expected;
    std::size_t number = 0;
    for (int step = 0; step < 500; ++step) {
      auto text = numbered(up_to(dice() % 4 == 0 ? 20'000 : 300), number);
      if (dice() % 2 == 0) {
        box.append(text);
        expected += text;
      } else {
        auto shared = frame_of(text);
        box.append(shared);
        expected += shared.wire();
      }
      if (dice() % 3 == 0)
        box.write(to.ours.get());
      if (dice() % 2 == 0)
        to.read(up_to(10'000));
    }
    drain(box, to);
    BOOST_REQUIRE((to.got == expected));
    BOOST_REQUIRE(box.held() == 0U);
  }
}

BOOST_AUTO_TEST_CASE(large_frames_are_counted_once_for_all_queues) {
  auto before = protocol::large_frames_bytes();
  {
    outbox one, other;
    {
      auto large = frame_of(std::string(10'000, 'x'));
      one.append(large);
      other.append(large);
      one.append(frame_of("small"));
    }
    BOOST_TEST(protocol::large_frames_bytes() - before == 10'004U);
    BOOST_TEST(other.held() == 0U);
  }
  BOOST_TEST(protocol::large_frames_bytes() == before);
}

BOOST_AUTO_TEST_CASE(what_all_queues_hold_is_known_and_comes_back) {
  auto before = outbox::all_held();
  std::size_t number = 0;
  stream to(1 << 20);
  std::vector<outbox> boxes(20);
  std::size_t held = 0;
  for (auto& box : boxes) {
    while (box.queued() < 256 * 1024)
      box.append(numbered(100, number));
    held += box.held();
  }
  BOOST_TEST(outbox::all_held() >= held);
  BOOST_TEST(outbox::all_held() <= held + before);
  for (auto& box : boxes)
    drain(box, to);
  // But for some of the smallest, which the next ones use.
  BOOST_TEST(outbox::all_held() <= before + 256 * outbox::chunk_bytes_min);
}

BOOST_AUTO_TEST_CASE(a_client_that_is_gone_breaks_it) {
  stream to;
  outbox box;
  box.append("x");
  to.theirs.reset();
  BOOST_TEST((box.write(to.ours.get()) == outbox::progress::broken));
  BOOST_TEST(box.queued() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
