#include "net/name_lookup.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <mutex>
#include <netdb.h>
#include <system_error>
#include <thread>

namespace beckon::net {

/// Shared by the asker, who may end, and the thread, which cannot be ended.
struct name_lookup::question {
  std::mutex mutex;
  name_lookup* asker;                    ///< guarded; null: gone
  std::function<void(endpoints)> answer; ///< asker's thread
};

namespace {

using boost::asio::ip::tcp;

name_lookup::endpoints resolved(const node_address& where) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  name_lookup::endpoints all;
  if (::getaddrinfo(where.host.c_str(), nullptr, &wanted, &found) != 0)
    return all;
  for (auto* one = found; one; one = one->ai_next) {
    tcp::endpoint at;
    if (one->ai_addrlen > at.capacity())
      continue;
    std::copy_n(reinterpret_cast<const char*>(one->ai_addr), one->ai_addrlen,
                reinterpret_cast<char*>(at.data()));
    at.resize(one->ai_addrlen);
    at.port(where.port);
    all.push_back(at);
  }
  ::freeaddrinfo(found);
  return all;
}

} // namespace

name_lookup::~name_lookup() {
  for (auto& [where, q] : open_) {
    std::lock_guard guard(q->mutex);
    q->asker = nullptr;
  }
}

void name_lookup::ask(const node_address& where, std::function<void(endpoints)> answer) {
  boost::system::error_code is_name;
  auto address = boost::asio::ip::make_address(where.host, is_name);
  if (!is_name)
    return answer({{address, where.port}});
  if (open_.contains(where))
    return answer({});
  auto q = std::make_shared<question>();
  q->asker = this;
  q->answer = std::move(answer);
  try {
    std::thread([q, where] {
      sigset_t signals; // they are for the main thread
      sigfillset(&signals);
      ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
      auto found = resolved(where);
      std::lock_guard guard(q->mutex);
      if (auto* asker = q->asker)
        boost::asio::post(asker->loop_, [asker, q, where, found] {
          asker->open_.erase(where);
          q->answer(found);
        });
    }).detach();
  } catch (const std::system_error&) { // no thread to be had
    return q->answer({});
  }
  open_.emplace(where, q);
}

} // namespace beckon::net
