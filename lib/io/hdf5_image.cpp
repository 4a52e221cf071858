// HDF5 files in memory, and files that are still being written.
#include <hdf5.h>

#include "core/error.hpp"
#include "io/hdf5.hpp"
#include "io/hdf5_error.hpp"
#include "io/hdf5_probe.hpp"

namespace toptheta::hdf5 {

namespace {

// Access to a file in memory only, which grows in steps of 1 MiB.
Handle memory_access() {
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_core(access.id(), std::size_t{1} << 20, false);
  H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG);
  return access;
}

// The library refuses to open an image under the name of a file that exists. No file can have this name.
constexpr const char* kNoFile = "/dev/null/image";

}  // namespace

File File::create_in_memory(const std::string& shown) {
  prepare_library();
  const Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation.id(), false);
  const Handle access = memory_access();
  Handle handle = check_writing(H5Fcreate(shown.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()), H5Fclose,
                                shown, "cannot create an HDF5 file in memory");
  return {std::move(handle), std::make_shared<const Origin>(Origin{shown})};
}

std::string File::image() const {
  if (H5Fflush(handle_.id(), H5F_SCOPE_LOCAL) < 0) fail_writing(name_->name, "cannot write");
  const ssize_t size = H5Fget_file_image(handle_.id(), nullptr, 0);
  if (size < 0) fail_writing(name_->name, "cannot write");
  std::string bytes(static_cast<std::size_t>(size), '\0');
  if (H5Fget_file_image(handle_.id(), bytes.data(), bytes.size()) < 0)
    fail_writing(name_->name, "cannot write");
  return bytes;
}

File File::open_image(std::string_view bytes, const std::string& shown) {
  prepare_library();
  const Handle access = memory_access();
  // The library copies the bytes and does not change ours.
  if (bytes.empty() ||
      H5Pset_file_image(access.id(), const_cast<char*>(bytes.data()), bytes.size()) < 0)  // NOLINT
    throw InputError({.where = shown, .what = "not an HDF5 file"});
  Handle handle = check_reading(H5Fopen(kNoFile, H5F_ACC_RDONLY, access.id()), H5Fclose, shown,
                                "cannot open the HDF5 file");
  return {std::move(handle), std::make_shared<const Origin>(Origin{shown})};
}

File File::open_live(const std::filesystem::path& path) {
  prepare_library();
  std::shared_ptr<const AttributeValues> values = require_sound_file(path, true);
  const std::string name = path.string();
  const unsigned live = H5F_ACC_RDONLY | H5F_ACC_SWMR_READ;
  // A file whose writer did not use SWMR, or has closed it, opens in the ordinary way.
  hid_t id = H5Fopen(name.c_str(), live, H5P_DEFAULT);
  if (id < 0) id = H5Fopen(name.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  Handle handle = check_reading(id, H5Fclose, name, "cannot open the HDF5 file");
  return {std::move(handle), std::make_shared<const Origin>(Origin{name, std::move(values), true})};
}

}  // namespace toptheta::hdf5
