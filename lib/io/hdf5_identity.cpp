#include "io/hdf5_identity.hpp"

#include <hdf5.h>

#include "io/hdf5_error.hpp"

namespace toptheta::hdf5 {

namespace {

// Reaches the protected handle of an object.
struct Reach : Object {
  static std::int64_t handle_of(const Object& object) { return (object.*&Reach::id)(); }
};

}  // namespace

std::uint64_t address_of(const Object& object) {
  H5O_info_t info{};
  if (H5Oget_info2(Reach::handle_of(object), &info, H5O_INFO_BASIC) < 0)
    fail_reading(object.where(), "cannot look up the object");
  return info.addr;
}

}  // namespace toptheta::hdf5
