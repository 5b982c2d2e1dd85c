// A plug-in as one of long ago: the function is the same for ever, what it says is not.

extern "C" const char* beckon_register_behaviours(const char*, void*) {
  return "beckon-behaviour-0/0.0.1";
}
