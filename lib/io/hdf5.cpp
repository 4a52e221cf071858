#include "io/hdf5.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hdf5.h>

#include <algorithm>

#include "core/error.hpp"
#include "io/hdf5_error.hpp"
#include "io/hdf5_links.hpp"
#include "io/hdf5_probe.hpp"
#include "io/hdf5_type.hpp"

namespace toptheta::hdf5 {

namespace {

herr_t add_name(hid_t, const char* name, const H5L_info_t*, void* out) {
  try {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  } catch (...) {
    return -1;  // out of memory; an exception must not pass through the library's C code
  }
}

// A property list of `kind` for creating objects that do not record times.
Handle timeless(hid_t kind, const std::string& where) {
  Handle list = check_writing(H5Pcreate(kind), H5Pclose, where, "cannot create");
  H5Pset_obj_track_times(list.id(), false);
  return list;
}

Handle dataset_properties(const Dims& dims, const Storage& storage, const std::string& where) {
  Handle list = timeless(H5P_DATASET_CREATE, where);
  if (storage.chunk.empty() || std::find(dims.begin(), dims.end(), 0) != dims.end()) return list;
  const std::vector<hsize_t> chunk(storage.chunk.begin(), storage.chunk.end());
  if (H5Pset_chunk(list.id(), static_cast<int>(chunk.size()), chunk.data()) < 0)
    fail_writing(where, "cannot set the chunk shape");
  if (storage.gzip_level > 0) {
    H5Pset_shuffle(list.id());
    if (H5Pset_deflate(list.id(), static_cast<unsigned>(storage.gzip_level)) < 0)
      fail_writing(where, "cannot compress");
  }
  return list;
}

Handle chunk_cache_properties(std::int64_t bytes) {
  Handle list = link_access(H5P_DATASET_ACCESS);
  if (bytes > 0) {
    // A prime number of slots (about 12 bytes each), so that the chunks of a regular grid rarely share a
    // slot.
    constexpr std::size_t kSlots = 50021;
    H5Pset_chunk_cache(list.id(), kSlots, static_cast<std::size_t>(bytes), H5D_CHUNK_CACHE_W0_DEFAULT);
  }
  return list;
}

}  // namespace

std::string format_dims(const Dims& dims) {
  return fmt::format("[{}]", fmt::join(dims, ", "));
}

File File::open(const std::filesystem::path& path) {
  prepare_library();
  std::shared_ptr<const AttributeValues> values = require_sound_file(path);
  Handle handle = check_reading(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, path.string(),
                                "cannot open the HDF5 file");
  return {std::move(handle), std::make_shared<const Origin>(Origin{path.string(), std::move(values)})};
}

File File::create(const std::filesystem::path& path, const std::string& shown) {
  prepare_library();
  const Handle creation = timeless(H5P_FILE_CREATE, shown);
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG);
  Handle handle = check_writing(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()), H5Fclose,
                                shown, "cannot create the HDF5 file");
  return {std::move(handle), std::make_shared<const Origin>(Origin{shown})};
}

Group File::root() const {
  Handle group =
      check_reading(H5Gopen2(handle_.id(), "/", H5P_DEFAULT), H5Gclose, name_->name, "cannot open");
  return {std::move(group), name_, "/"};
}

void File::close() {
  const Handle closing = std::exchange(handle_, Handle());
  if (H5Fflush(closing.id(), H5F_SCOPE_LOCAL) < 0) fail_writing(name_->name, "cannot write");
}

std::vector<std::string> Group::links() const {
  std::vector<std::string> names;
  if (H5Literate(id(), H5_INDEX_NAME, H5_ITER_INC, nullptr, add_name, &names) < 0)
    fail_reading(where(), "cannot list the group");
  std::sort(names.begin(), names.end());
  return names;
}

bool Group::has(const std::string& name) const {
  const htri_t found = H5Lexists(id(), name.c_str(), H5P_DEFAULT);
  if (found < 0) fail_reading(where(), "cannot look up '" + name + "'");
  return found > 0;
}

Group Group::open_group(const std::string& name) const {
  const std::string path = child_path(name);
  if (!has(name)) throw InputError({.where = file() + ":" + path, .what = "missing group"});
  const Handle access = link_access(H5P_GROUP_ACCESS);
  Handle group(H5Gopen2(id(), name.c_str(), access.id()), H5Gclose);
  if (group.id() < 0) fail_opening(file() + ":" + path, "cannot open as a group");
  return {std::move(group), shared_file(), path};
}

Dataset Group::open_dataset(const std::string& name, std::int64_t chunk_cache) const {
  const std::string path = child_path(name);
  if (!has(name)) throw InputError({.where = file() + ":" + path, .what = "missing data set"});
  const Handle access = chunk_cache_properties(chunk_cache);
  Handle dataset(H5Dopen2(id(), name.c_str(), access.id()), H5Dclose);
  if (dataset.id() < 0) fail_opening(file() + ":" + path, "cannot open as a data set");
  return {std::move(dataset), shared_file(), path};
}

Group Group::create_group(const std::string& name) {
  const std::string path = child_path(name);
  const std::string where = file() + ":" + path;
  const Handle creation = timeless(H5P_GROUP_CREATE, where);
  Handle group = check_writing(H5Gcreate2(id(), name.c_str(), H5P_DEFAULT, creation.id(), H5P_DEFAULT),
                               H5Gclose, where, "cannot create the group");
  return {std::move(group), shared_file(), path};
}

Dataset Group::create_dataset(const std::string& name, Element element, const Dims& dims,
                              const Storage& storage) {
  const std::string path = child_path(name);
  const std::string where = file() + ":" + path;
  const Handle creation = dataset_properties(dims, storage, where);
  const Handle access = chunk_cache_properties(storage.cache);
  const Handle type = file_type(element);
  const std::vector<hsize_t> extent(dims.begin(), dims.end());
  const Handle space =
      check_writing(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), H5Sclose,
                    where, "cannot create the data set");
  Handle handle = check_writing(
      H5Dcreate2(id(), name.c_str(), type.id(), space.id(), H5P_DEFAULT, creation.id(), access.id()),
      H5Dclose, where, "cannot create the data set");
  Dataset dataset(std::move(handle), shared_file(), path);
  if (element == Element::bf16) {
    dataset.write_attribute("dtype", name_of(element));
    dataset.element_ = Element::bf16;
  }
  return dataset;
}

}  // namespace toptheta::hdf5
