#pragma once
// A small file, read whole. Owns: the bound on its size and the descriptor while it is read.
// Used at start only, by the options and the token key.

#include <boost/system/result.hpp>
#include <cstddef>
#include <string>

namespace beckon::net {

struct small_file {
  std::string bytes;
  bool world_readable = false; ///< a regular file that every user of the machine may read
};

/// @returns the file, or why it cannot be read (errno; file_too_large above `bytes_max`).
boost::system::result<small_file> read_small_file(const std::string& path, std::size_t bytes_max);

} // namespace beckon::net
