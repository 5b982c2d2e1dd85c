#pragma once
// Handlers of actors that have to stay: what one of them cannot do for want of memory fails, and
// the actor goes on. CAF ends an actor whose handler throws. Owns: nothing.

#include "actors/home.hpp"
#include "actors/memory_reserve.hpp"

#include <new>
#include <utility>

namespace beckon::actors {

template <class F>
struct signature_of;
template <class R, class C, class A>
struct signature_of<R (C::*)(A) const> {
  using result = R;
  using argument = A;
};
/// Of a lambda that takes one message.
template <class F>
using message_of = typename signature_of<decltype(&F::operator())>::argument;
template <class F>
using result_of = typename signature_of<decltype(&F::operator())>::result;

/// @returns whether `f` found the memory that it needs
template <class F>
bool survives(F f) {
  try {
    f();
    return true;
  } catch (const std::bad_alloc&) {
    home::current().count.out_of_memory.add();
    return false;
  }
}

/// What others have done already and cannot take back: it uses the reserve, as all does on a thread
/// of the runtime unless it says otherwise, and where not even that is left, the message is lost
/// and counted.
template <class Handle>
auto surviving(Handle handle) {
  return [handle](message_of<Handle> what) -> result_of<Handle> {
    survives([&] { handle(what); });
    return result_of<Handle>();
  };
}

/// What can be refused: without memory `refuse(what)` answers in its place. `handle` must leave
/// `what` whole when it throws.
template <class Handle, class Refuse>
auto surviving(Handle handle, Refuse refuse) {
  return [handle, refuse](message_of<Handle> what) -> result_of<Handle> {
    auto done = survives([&] {
      may_fail here;
      handle(what);
    });
    if (!done)
      survives([&] {
        must_not_fail here;
        refuse(what);
      });
    return result_of<Handle>();
  };
}

} // namespace beckon::actors
