#include "io/hdf5_walk.hpp"

#include <hdf5.h>
#include <sys/resource.h>

#include <array>
#include <cstdint>
#include <exception>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "io/hdf5.hpp"
#include "io/hdf5_error.hpp"
#include "io/hdf5_links.hpp"

namespace toptheta::hdf5 {

namespace {

struct Walk {
  AttributeValues* values = nullptr;
  long left = kWalkedBytes;               // of data that may still be read
  std::int64_t left_text = kWalkedBytes;  // of texts that may still be sent
  std::set<haddr_t> seen{};
  bool broken = false;  // attributes or links of an object cannot be listed
};

bool needs_memory = false;  // of the one walk of this process

herr_t note_memory(unsigned, const H5E_error2_t* entry, void*) {
  if (entry->min_num == H5E_NOSPACE || entry->min_num == H5E_CANTALLOC) needs_memory = true;
  return 0;
}

// The library calls this when one of its calls fails.
herr_t on_failure(hid_t stack, void*) {
  H5Ewalk2(stack, H5E_WALK_UPWARD, note_memory, nullptr);
  return 0;
}

// The bytes that all elements take in memory, or a number above every limit.
long bytes_of(hid_t space, hid_t type) {
  const hssize_t elements = H5Sget_simple_extent_npoints(space);
  const size_t size = H5Tget_size(type);
  if (elements < 0 || size > static_cast<size_t>(kWalkedBytes)) return std::numeric_limits<long>::max();
  long bytes = 0;
  return __builtin_mul_overflow(static_cast<long>(elements), static_cast<long>(size), &bytes)
             ? std::numeric_limits<long>::max()
             : bytes;
}

struct AttributesOf {
  Walk& walk;
  haddr_t object;
};

herr_t walk_attribute(hid_t object, const char* name, const H5A_info_t*, void* data) {
  auto& [walk, address] = *static_cast<AttributesOf*>(data);
  walk.values->add(address, name, read_attribute(object, name, walk.left_text));
  return 0;
}

// Whether a filter is applied that only the library can undo.
bool library_decodes(hid_t list) {
  for (int i = 0; i < H5Pget_nfilters(list); ++i) {
    unsigned flags = 0;
    unsigned config = 0;
    std::array<unsigned, 8> values{};
    std::size_t used = values.size();
    const H5Z_filter_t filter =
        H5Pget_filter2(list, static_cast<unsigned>(i), &flags, &used, values.data(), 0, nullptr, &config);
    if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE) return true;
  }
  return false;
}

void walk_chunks(hid_t dataset, hid_t space, hid_t list) {
  std::array<hsize_t, H5S_MAX_RANK> chunk{};
  H5Pget_chunk(list, H5S_MAX_RANK, chunk.data());
  hsize_t chunks = 0;
  H5Dget_num_chunks(dataset, space, &chunks);
  const std::array<hsize_t, H5S_MAX_RANK + 1> first{};
  unsigned skipped = 0;
  haddr_t address = 0;
  hsize_t bytes = 0;
  H5Dget_chunk_info_by_coord(dataset, first.data(), &skipped, &address, &bytes);
  H5Dget_chunk_storage_size(dataset, first.data(), &bytes);
}

void walk_dataset(hid_t dataset, Walk& walk) {
  const Handle type(H5Dget_type(dataset), H5Tclose);
  const Handle space(H5Dget_space(dataset), H5Sclose);
  const Handle list(H5Dget_create_plist(dataset), H5Pclose);
  if (type.id() < 0 || space.id() < 0 || list.id() < 0) return;
  H5Dget_storage_size(dataset);
  H5Dget_offset(dataset);
  H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
  H5Pfill_value_defined(list.id(), &defined);
  const H5D_layout_t layout = H5Pget_layout(list.id());
  if (layout == H5D_VIRTUAL || H5Pget_external_count(list.id()) != 0) return;  // refused by every reader
  if (layout == H5D_CHUNKED) walk_chunks(dataset, space.id(), list.id());
  const long bytes = bytes_of(space.id(), type.id());
  const H5T_class_t kind = H5Tget_class(type.id());
  if ((kind != H5T_INTEGER && kind != H5T_FLOAT) || bytes > walk.left || !library_decodes(list.id())) return;
  walk.left -= bytes;
  std::vector<char> out(static_cast<std::size_t>(bytes) + 1);
  H5Dread(dataset, type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, out.data());
}

herr_t collect_name(hid_t, const char* name, const H5L_info_t* link, void* out) {
  if (link->type == H5L_TYPE_EXTERNAL) return 0;  // no reader follows these
  static_cast<std::vector<std::string>*>(out)->emplace_back(name);
  return 0;
}

// Continues where the library refuses something, because a reader may never look at it. Objects are told
// apart by their addresses: a group may contain itself.
void walk_object(hid_t object, Walk& walk) {
  H5O_info_t info{};
  if (H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0 || !walk.seen.insert(info.addr).second) return;
  hsize_t place = 0;
  AttributesOf attributes{walk, info.addr};
  if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &place, walk_attribute, &attributes) < 0)
    walk.broken = true;
  if (info.type == H5O_TYPE_DATASET) walk_dataset(object, walk);
  if (info.type != H5O_TYPE_GROUP) return;
  std::vector<std::string> names;
  if (H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect_name, &names) < 0) walk.broken = true;
  const Handle access = link_access(H5P_LINK_ACCESS);
  for (const std::string& name : names) {
    const Handle child(H5Oopen(object, name.c_str(), access.id()), H5Oclose);
    if (child.id() >= 0) walk_object(child.id(), walk);
  }
}

// The most memory that this process ever had resident.
long resident_bytes() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss << 10;
}

constexpr long kMostResident = 6 * kWalkedBytes;  // data, their decoded and converted copies, and structures

}  // namespace

int walk_file(const char* path, bool live, AttributeValues& values) noexcept {
  try {
    const long before = resident_bytes();
    prepare_library();
    H5Eset_auto2(H5E_DEFAULT, on_failure, nullptr);
    hid_t file = live ? H5Fopen(path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, H5P_DEFAULT) : -1;
    if (file < 0) file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    Walk walk{.values = &values};
    if (file >= 0) {
      const Handle root(H5Gopen2(file, "/", H5P_DEFAULT), H5Gclose);
      if (root.id() >= 0) walk_object(root.id(), walk);
      H5Fclose(file);
    }
    // Where a loop of small allocations ran into the limit, the library may not have reported the last
    // failure.
    if (needs_memory || resident_bytes() - before > kMostResident) return kWalkNeedsMemory;
    if (walk.broken && !live) return kWalkBroken;  // a writer may be at work on a live file
    return file >= 0 ? kWalkDone : kWalkNotOpened;
  } catch (const std::exception&) {
    return kWalkNeedsMemory;  // only a lack of memory throws here
  }
}

}  // namespace toptheta::hdf5
