// echo_bot: a member that is an actor. What it is sent it sends back.
//
//     echo_bot --insecure      a whole server: its options are those of `beckon serve`
//
// Join the group "lobby" and send to "echo".

#include <beckon/bot.hpp>
#include <beckon/server.hpp>

class echo_bot : public beckon::bot {
public:
  using bot::bot;

private:
  void on_direct(const beckon::bot_delivery& what) override {
    send(what.group, what.from, what.data);
  }
  void on_request(const beckon::bot_delivery& what) override { reply(what.number, what.data); }
};

int main(int argc, char** argv) {
  beckon::server server(argc, argv);
  server.add_bot<echo_bot>({.uid = "echo", .groups = {"lobby"}});
  return server.run();
}
