#pragma once
// Who may ask the operators' listener. Owns: the names it may be asked by, what gives a web page
// away, and the operator's key. Immutable; any thread.
//
// A web page must not read it, though its browser can reach it. Its browser names the page's site
// (`Sec-Fetch-Site`, `Origin`), unless the page's own name was made to lead here (DNS rebinding):
// then `Host` has that name. No page has an IP address or `localhost` for a name without being of
// that machine.

#include "net/http_call.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::net {

class operator_access {
public:
  /// @param names by which it may be asked besides any IP address and localhost; lower case
  /// @param checks_host false: by any other name, too
  /// @param key of who may change something; empty: nobody may
  operator_access(std::vector<std::string> names, bool checks_host, std::string key);

  /// What is answered in place of the call; nothing: it may pass.
  std::optional<http_response> refuse_page(const http_request& request, bool any_host) const;
  std::optional<http_response> refuse_key(const http_request& request) const;

private:
  bool is_own_name(std::string_view authority) const;

  std::vector<std::string> names_;
  bool checks_host_;
  std::string key_;
};

} // namespace beckon::net
