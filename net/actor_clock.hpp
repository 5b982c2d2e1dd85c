#pragma once
// CAF's timeouts on an Asio timer, so that CAF needs no clock thread. Owns: the schedule of delayed
// messages. Any thread may set one; they fire on the loop's thread.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <caf/detail/simple_actor_clock.hpp>
#include <mutex>

namespace beckon::net {

class actor_clock final : public caf::detail::simple_actor_clock {
  using super = caf::detail::simple_actor_clock;

public:
  explicit actor_clock(boost::asio::io_context& loop) : timer_(loop) {}
  /// Drops all timeouts. The last call.
  void shutdown();

  void set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                            std::uint64_t id) override;
  void set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                         std::uint64_t id) override;
  void set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) override;
  void cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) override;
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override;
  void cancel_timeouts(caf::abstract_actor* self) override;
  void schedule_message(time_point t, caf::strong_actor_ptr receiver,
                        caf::mailbox_element_ptr content) override;
  void schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender,
                        caf::message content) override;
  void cancel_all() override;

private:
  template <class F>
  void locked(F change);
  void rearm();

  std::recursive_mutex mutex_; ///< recursive: what fires may set the next
  boost::asio::steady_timer timer_;
  bool armed_ = false;
  bool stopped_ = false;
  time_point due_{};
};

} // namespace beckon::net
