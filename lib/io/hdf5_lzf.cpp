#include "io/hdf5_lzf.hpp"

#include <hdf5.h>
#include <lzf.h>

#include <cerrno>
#include <cstdlib>
#include <limits>

namespace toptheta::hdf5 {

namespace {

constexpr H5Z_filter_t kLzf = 32000;  // as registered with The HDF Group

// The library calls this to decode a chunk. *buffer is *size bytes from malloc, of which `bytes` are used; it
// is replaced by the decoded chunk, whose size is values[2]. Returns the number of decoded bytes, 0 for
// failure.
std::size_t decode(unsigned flags, std::size_t count, const unsigned* values, std::size_t bytes,
                   std::size_t* size, void** buffer) {
  if ((flags & H5Z_FLAG_REVERSE) == 0 || count < 3 || values[2] == 0)
    return 0;  // lzf is only read here, never written
  constexpr std::size_t kMostStored = std::numeric_limits<unsigned>::max();
  if (bytes > kMostStored || values[2] / 300 > bytes) return 0;  // a byte expands to at most 264
  void* decoded = std::malloc(values[2]);
  if (decoded == nullptr) return 0;
  const unsigned written = ::lzf_decompress(*buffer, static_cast<unsigned>(bytes), decoded, values[2]);
  if (written != values[2]) {
    std::free(decoded);
    return 0;
  }
  std::free(*buffer);
  *buffer = decoded;
  *size = written;
  return written;
}

}  // namespace

void register_lzf() {
  static const H5Z_class2_t kFilter = {H5Z_CLASS_T_VERS, kLzf, 0, 1, "lzf", nullptr, nullptr, decode};
  H5Zregister(&kFilter);
}

}  // namespace toptheta::hdf5
