// A shared library that is no plug-in.

int unrelated() {
  return 1;
}
