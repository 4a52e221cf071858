#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <stdexcept>

#include "core/error.hpp"
#include "io/hdf5.hpp"
#include "io/hdf5_error.hpp"
#include "io/hdf5_links.hpp"
#include "io/hdf5_type.hpp"

namespace toptheta::hdf5 {

namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 8;  // elements of 8 bytes each
constexpr std::int64_t kMostChunkBytes = (std::int64_t{1} << 32) - 1;         // the library's own limit

// The number of elements, or -1 where it does not fit.
std::int64_t product(const Dims& dims) {
  std::int64_t elements = 1;
  for (const std::int64_t dim : dims)
    if (dim == 0) return 0;
  for (const std::int64_t dim : dims) {
    if (dim < 0 || dim > kMost / elements) return -1;
    elements *= dim;
  }
  return elements;
}

Dims extent_of(std::int64_t space) {
  const int rank = H5Sget_simple_extent_ndims(space);
  std::vector<hsize_t> extent(static_cast<std::size_t>(rank < 0 ? 0 : rank));
  H5Sget_simple_extent_dims(space, extent.data(), nullptr);
  Dims dims;
  for (const hsize_t dim : extent)
    dims.push_back(dim > static_cast<hsize_t>(kMost) ? -1 : static_cast<std::int64_t>(dim));
  return dims;
}

}  // namespace

Dataset::Dataset(Handle handle, std::shared_ptr<const Origin> file, std::string path)
    : Object(std::move(handle), std::move(file), std::move(path)) {
  require_own_storage(id(), where());
  const Handle space = check_reading(H5Dget_space(id()), H5Sclose, where(), "cannot read the shape");
  if (H5Sget_simple_extent_type(space.id()) == H5S_NULL)
    throw InputError({.where = where(), .what = "the data set has no elements"});
  dims_ = extent_of(space.id());
  size_ = product(dims_);
  if (size_ < 0) throw InputError({.where = where(), .what = "the data set is impossibly large"});
  const Handle type = check_reading(H5Dget_type(id()), H5Tclose, where(), "cannot read the element type");
  element_ = element_of_type(type.id());
  if (element_ == Element::u16 && has_attribute("dtype") && text_attribute("dtype") == name_of(Element::bf16))
    element_ = Element::bf16;
}

Dims Dataset::chunk() const {
  const Handle list(H5Dget_create_plist(id()), H5Pclose);
  if (H5Pget_layout(list.id()) != H5D_CHUNKED) return {};
  std::vector<hsize_t> chunk(dims_.size());
  const int rank = H5Pget_chunk(list.id(), static_cast<int>(chunk.size()), chunk.data());
  std::int64_t bytes = std::max<std::int64_t>(1, size_of(element_));
  for (const hsize_t side : chunk)
    bytes = side == 0 || bytes < 0 || side > static_cast<hsize_t>(kMostChunkBytes / bytes)
                ? -1
                : bytes * static_cast<std::int64_t>(side);
  if (rank != static_cast<int>(chunk.size()) || bytes < 0)
    throw InputError({.where = where(),
                      .what = "an impossible shape of chunks",
                      .expected = "chunks of less than 4 GiB",
                      .next = "the file is damaged: write it again"});
  return {chunk.begin(), chunk.end()};
}

std::optional<std::int64_t> Dataset::plain_offset() const {
  const Handle list(H5Dget_create_plist(id()), H5Pclose);
  if (H5Pget_layout(list.id()) != H5D_CONTIGUOUS) return std::nullopt;
  const Handle type = check_reading(H5Dget_type(id()), H5Tclose, where(), "cannot read the element type");
  if (H5Tget_order(type.id()) != H5Tget_order(H5T_NATIVE_INT)) return std::nullopt;
  const haddr_t offset = H5Dget_offset(id());
  if (offset == HADDR_UNDEF || offset > static_cast<haddr_t>(kMost)) return std::nullopt;
  if (H5Dget_storage_size(id()) != static_cast<hsize_t>(size_) * static_cast<hsize_t>(size_of(element_)))
    return std::nullopt;
  return static_cast<std::int64_t>(offset);
}

Handle Dataset::select(std::span<const Box> boxes, std::int64_t elements) const {
  Handle space = check_reading(H5Dget_space(id()), H5Sclose, where(), "cannot read the shape");
  if (dims_.empty()) return space;  // scalar: everything is selected
  H5Sselect_none(space.id());
  for (const Box& box : boxes) {
    assert(box.offset.size() == dims_.size() && box.count.size() == dims_.size());
    const std::vector<hsize_t> offset(box.offset.begin(), box.offset.end());
    const std::vector<hsize_t> count(box.count.begin(), box.count.end());
    if (product(box.count) == 0) continue;
    if (H5Sselect_hyperslab(space.id(), H5S_SELECT_OR, offset.data(), nullptr, count.data(), nullptr) < 0)
      fail_reading(where(), "cannot select");
  }
  if (H5Sget_select_npoints(space.id()) != elements)
    throw std::logic_error(where() + ": the boxes and the buffer differ in size");
  if (H5Sselect_valid(space.id()) <= 0) throw InputError({.where = where(), .what = "read past the end"});
  return space;
}

void Dataset::read_as(std::int64_t memory_type, std::span<const Box> boxes, std::int64_t elements,
                      void* out) const {
  if (elements == 0) return;
  const Handle space = select(boxes, elements);
  const hsize_t count = static_cast<hsize_t>(elements);
  const Handle memory(H5Screate_simple(1, &count, nullptr), H5Sclose);
  if (H5Dread(id(), memory_type, memory.id(), space.id(), H5P_DEFAULT, out) < 0)
    fail_reading(where(), "cannot read");
}

void Dataset::write_as(std::int64_t memory_type, const Box& box, std::int64_t elements, const void* values) {
  if (elements == 0) return;
  const Handle space = select({&box, 1}, elements);
  const hsize_t count = static_cast<hsize_t>(elements);
  const Handle memory(H5Screate_simple(1, &count, nullptr), H5Sclose);
  if (H5Dwrite(id(), memory_type, memory.id(), space.id(), H5P_DEFAULT, values) < 0)
    fail_writing(where(), "cannot write");
}

template <class T>
void Dataset::read(std::span<const Box> boxes, std::span<T> out) const {
  const bool fits =
      std::is_integral_v<T> ? is_integer(element_) : element_ <= Element::f64 && element_ != Element::bf16;
  if (!fits) {
    throw InputError({.where = where(),
                      .what = "wrong element type",
                      .expected = std::is_integral_v<T> ? "integers" : "floating-point numbers",
                      .found = std::string(name_of(element_))});
  }
  read_as(native_type<T>(), boxes, static_cast<std::int64_t>(out.size()), out.data());
}

template <class T>
std::vector<T> Dataset::read() const {
  const Box box = whole();
  constexpr std::array<std::string_view, 1> kAxes = {"element"};
  require_written({&box, 1}, kAxes);
  std::vector<T> values(static_cast<std::size_t>(size_));
  read(std::span(&box, 1), std::span<T>(values));
  return values;
}

void Dataset::read_raw16(std::span<const Box> boxes, std::span<std::uint16_t> out) const {
  assert(size_of(element_) == 2);
  const Handle stored = check_reading(H5Dget_type(id()), H5Tclose, where(), "cannot read the element type");
  const Handle memory =
      check_reading(H5Tcopy(stored.id()), H5Tclose, where(), "cannot read the element type");
  H5Tset_order(memory.id(), H5Tget_order(H5T_NATIVE_UINT16));
  read_as(memory.id(), boxes, static_cast<std::int64_t>(out.size()), out.data());
}

template <class T>
void Dataset::write(std::span<const T> values) {
  write(whole(), values);
  flush();
}

template <class T>
void Dataset::write(const Box& box, std::span<const T> values) {
  assert(std::is_integral_v<T> == is_integer(element_));
  write_as(native_type<T>(), box, static_cast<std::int64_t>(values.size()), values.data());
}

void Dataset::write_raw(const Box& box, std::span<const std::byte> bytes) {
  const Handle type = file_type(element_);
  write_as(type.id(), box, static_cast<std::int64_t>(bytes.size()) / size_of(element_), bytes.data());
}

void Dataset::flush() {
  if (H5Dflush(id()) < 0) fail_writing(where(), "cannot write");
}

namespace {

template <class T>
constexpr Element element_for() {
  if constexpr (std::is_same_v<T, float>)
    return Element::f32;
  else if constexpr (std::is_same_v<T, double>)
    return Element::f64;
  else if constexpr (sizeof(T) == 1)
    return std::is_signed_v<T> ? Element::i8 : Element::u8;
  else if constexpr (sizeof(T) == 2)
    return std::is_signed_v<T> ? Element::i16 : Element::u16;
  else if constexpr (sizeof(T) == 4)
    return std::is_signed_v<T> ? Element::i32 : Element::u32;
  else
    return std::is_signed_v<T> ? Element::i64 : Element::u64;
}

}  // namespace

template <class T>
void Group::write_vector(const std::string& name, const std::vector<T>& values) {
  create_dataset(name, element_for<T>(), {static_cast<std::int64_t>(values.size())})
      .write(std::span<const T>(values));
}

#define TT_HDF5_ELEMENT(T)                                                  \
  template std::vector<T> Dataset::read<T>() const;                         \
  template void Dataset::read<T>(std::span<const Box>, std::span<T>) const; \
  template void Dataset::write<T>(std::span<const T>);                      \
  template void Dataset::write<T>(const Box&, std::span<const T>);          \
  template void Group::write_vector<T>(const std::string&, const std::vector<T>&)
TT_HDF5_ELEMENT(float);
TT_HDF5_ELEMENT(double);
TT_HDF5_ELEMENT(std::int8_t);
TT_HDF5_ELEMENT(std::int16_t);
TT_HDF5_ELEMENT(std::int32_t);
TT_HDF5_ELEMENT(std::int64_t);
TT_HDF5_ELEMENT(std::uint8_t);
TT_HDF5_ELEMENT(std::uint16_t);
TT_HDF5_ELEMENT(std::uint32_t);
TT_HDF5_ELEMENT(std::uint64_t);
#undef TT_HDF5_ELEMENT

}  // namespace toptheta::hdf5
