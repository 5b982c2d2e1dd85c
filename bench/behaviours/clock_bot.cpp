// beckon with a bot in the group "clock" that answers each direct message with the time, in ns of
// the monotonic clock, at which it did.

#include <beckon/bot.hpp>
#include <beckon/server.hpp>

#include <chrono>
#include <string>

class clock_bot : public beckon::bot {
public:
  using bot::bot;
  void on_direct(const beckon::bot_delivery& d) override {
    auto now = std::chrono::steady_clock::now().time_since_epoch();
    send(d.group, d.from, std::to_string(std::chrono::nanoseconds(now).count()));
  }
};

int main(int argc, char** argv) {
  beckon::server server(argc, argv);
  server.add_bot<clock_bot>({.uid = "clock", .groups = {"clock"}});
  return server.run();
}
